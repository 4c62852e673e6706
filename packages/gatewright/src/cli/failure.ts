import { SettingsError } from '../ground/load-settings.ts'
import { Refusal } from '../ground/refusal.ts'
import { WrongUse } from './command.ts'
import { program } from './help.ts'
import { printable } from './table.ts'

/** Why a command did nothing, for people and for programs. */
type Failure = {
  readonly exitCode: 1 | 2
  readonly lines: readonly string[]
  readonly json: {
    readonly ok: false
    readonly code: string
    readonly detail: string
    readonly errors?: readonly { readonly path?: string; readonly message: string }[]
  }
}

const ofRefusal = ({ code, message, details: { errors } }: Refusal): Failure => {
  const fields = errors?.map(({ path, message }) => `${path.slice(1)}: ${message}`).join('; ')
  return {
    exitCode: 1,
    lines: [`${code}: ${message}${fields ? ` (${fields})` : ''}`],
    json: { ok: false, code, detail: message, ...(errors && { errors }) },
  }
}

const ofSettings = ({ lines }: SettingsError): Failure => ({
  exitCode: 1,
  lines,
  json: {
    ok: false,
    code: 'settings_invalid',
    detail: 'The settings can not be used.',
    errors: lines.map(message => ({ message })),
  },
})

const of = (exitCode: 1 | 2, code: string, detail: string): Failure => ({
  exitCode,
  lines: [detail],
  json: { ok: false, code, detail },
})

/** Whatever a command threw, as what is told. A stack is for whoever writes the program, not for its users. */
export const toFailure = (error: unknown): Failure => {
  if (error instanceof WrongUse) return of(2, 'wrong_use', error.message)
  if (error instanceof SettingsError) return ofSettings(error)
  if (error instanceof Refusal) return ofRefusal(error)
  return of(1, 'failed', error instanceof Error ? error.message : String(error))
}

/** The lines for standard error, each with the program's name. */
export const toFailureText = ({ lines }: Failure): string =>
  lines.map(line => `${program}: ${printable(line)}\n`).join('')

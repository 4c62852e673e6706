import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dataFolder, type Engine } from '../compose.ts'
import { countWorkers } from '../ground/count-workers.ts'
import { codeOf } from '../ground/error-code.ts'
import { productionReasons } from '../ground/production-rules.ts'
import { describeSecrets } from '../processes/describe-secrets.ts'
import { openSetupLink, toSetupAddress } from '../sign-in/setup-link.ts'
import type { ServeOptions } from './serve-options.ts'

type Announce = (message: string, fields?: Readonly<Record<string, unknown>>) => void

/** What every start says, whatever the level of the log. */
const createAnnounce =
  ({ settings, clock }: Engine): Announce =>
  (message, fields = {}) => {
    const line = JSON.stringify({ level: 'info', time: clock.now(), ...fields, msg: message })
    process.stdout.write(`${settings.logFormat === 'pretty' ? message : line}\n`)
  }

const whyProduction = ({ settings, processes }: Engine): readonly string[] =>
  productionReasons(settings, processes.surroundings())

const announceSetupLink = async (engine: Engine, announce: Announce, command: string): Promise<void> => {
  const link = await openSetupLink(engine)
  if (link.state === 'closed') return
  if (link.state === 'open already') {
    announce(
      `There is no administrator yet, and a set-up link is open: it was shown when it was made. Without it: ${command} user create --username alice --role admin --password-stdin`,
    )
    return
  }
  const address = toSetupAddress(engine.publicUrl, link.token)
  if (whyProduction(engine).length === 0 || process.stdout.isTTY) {
    announce(`First administrator: ${address} (works once, for 24 hours)`, { setup_link: address })
    return
  }
  const file = join(dataFolder(engine.settings), 'setup-link')
  const code = writeOwn(file, `${address}\n`)
  announce(
    code === undefined
      ? `First administrator: open the link in ${file} (works once, for 24 hours)`
      : `First administrator: the link can not be written to ${file} (${code}). For another one: ${command} setup-link`,
  )
}

/** For its owner alone. Returns why it could not be: no reason to serve nobody. */
const writeOwn = (file: string, text: string): string | undefined => {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    // The mode is that of a new file only.
    rmSync(file, { force: true })
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
    return undefined
  } catch (error) {
    return codeOf(error) ?? 'unknown'
  }
}

/** What a start tells whoever looks at it: the addresses, what to beware of, how the first administrator is made. */
export const announceStart = async (
  engine: Engine,
  { mount, command = 'npx gatewright' }: ServeOptions,
  port: number,
): Promise<void> => {
  const announce = createAnnounce(engine)
  announce(`API: ${engine.publicUrl}${mount}`, { api: engine.publicUrl + mount })
  announce(`API reference: ${engine.publicUrl}/docs`, { reference: `${engine.publicUrl}/docs` })
  if (engine.places.accepted.has('cookie'))
    announce(`Console: ${engine.publicUrl}/console`, { console: `${engine.publicUrl}/console` })
  if (engine.settings.publicUrl !== undefined)
    announce(`Listening: ${engine.settings.host}, port ${port}`, { port })
  announce(`Health: ${engine.publicUrl}/healthz and ${engine.publicUrl}/readyz`)
  for (const reason of whyProduction(engine)) announce(`Production's rules hold: ${reason}`)
  for (const warning of engine.warnings) announce(`Warning: ${warning}`)
  for (const line of await describeSecrets(engine)) announce(line)
  const workers = countWorkers(engine.settings)
  if (workers > 1) announce(`Workers: ${workers} share the port`, { workers })
  if (engine.settings.limits === 'off')
    announce('LIMITS=off: nothing is limited. Never use this where others can reach it.')
  await announceSetupLink(engine, announce, command)
}

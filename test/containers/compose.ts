import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { top } from '../../tools/top.ts'

export type Secret = string | { readonly source: string; readonly target?: string }

/** What of a service is looked at here. */
export type Service = {
  readonly image: string
  readonly build?: object
  readonly command?: readonly string[]
  /** Started only where somebody names one of them, or the service itself. */
  readonly profiles?: readonly string[]
  readonly user?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly Secret[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly restart?: string
  readonly read_only?: boolean
  readonly privileged?: boolean
  readonly network_mode?: string
  readonly pid?: string
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly mem_limit?: string
  readonly cpus?: number
  readonly pids_limit?: number
}

export type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

/** As Compose does: `$NAME`s of its own, `$$` is a dollar. @throws where one that must be there is missing */
const interpolate = (text: string, variables: Readonly<Record<string, string | undefined>>): string =>
  text.replace(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (whole, name: string, kind?: string, rest = '') => {
    if (whole === '$$') return '$'
    const value = variables[name]
    if (value !== undefined) return value
    if (kind === '?') throw new Error(`${name}: ${rest}`)
    return kind === '-' ? rest : ''
  })

/** A file in the form of Compose, as Compose reads it. */
export const readCompose = (text: string, variables: Readonly<Record<string, string | undefined>>): Compose =>
  parse(interpolate(text.replace(/^\s*#.*$/gm, ''), variables), { merge: true })

export const composeFile = (name = 'compose.yaml'): string => readFileSync(join(top, name), 'utf8')

export const networksOf = ({ networks }: Service): readonly string[] =>
  Array.isArray(networks) ? networks : Object.keys(networks)

/** The file or folder of the machine that is mounted there, read only. */
export const mountedAt = ({ volumes = [] }: Service, path: string): string => {
  const [from] = volumes.find(volume => volume.endsWith(`:${path}:ro`))?.split(':') ?? []
  if (from === undefined) throw new Error(`nothing is mounted at ${path}`)
  return from
}

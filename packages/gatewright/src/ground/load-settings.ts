import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type EnvFile, readEnvFile } from './env-file.ts'
import { codeOf } from './error-code.ts'
import { environmentNameProblems, fileNameProblems, uncheckedTlsProblems } from './setting-names.ts'
import {
  fieldOf,
  fillSettings,
  relations,
  type Setting,
  type SettingName,
  type Settings,
  settingRows,
} from './settings.ts'

/** Where each value comes from: `default`, `environment`, `.env`, `.env.<NODE_ENV>` or `file <path>`. */
export type Sources = Readonly<Record<SettingName, string>>

export type LoadedSettings = { readonly settings: Settings; readonly sources: Sources }

/** The start cannot go on. One line per problem, each naming the setting and what to write, none with a value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

type Input = {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Where `.env` files lie, and what a relative `<NAME>_FILE` starts from. */
  readonly folder?: string
  /** Is standard output read by a person? Decides the default of LOG_FORMAT. */
  readonly isTerminal?: boolean
}

/**
 * Reads the settings once: environment, then `.env.<NODE_ENV>`, then `.env`, then defaults. The first
 * that has a name decides; an empty text there means the default.
 *
 * Throws a {@link SettingsError} with every problem found: bad values, values that contradict each
 * other, unknown and mistyped names, unreadable files. Production's rules are another step
 * (`productionErrors`), for they don't stop commands that only look.
 *
 *     const { settings, sources } = loadSettings()
 */
export const loadSettings = ({
  env = process.env,
  folder = process.cwd(),
  isTerminal = process.stdout.isTTY === true,
}: Input = {}): LoadedSettings => readPlaces(findPlaces(env, folder), { folder, isTerminal })

/**
 * The settings that these values alone make, read and checked as a start reads its environment. `name` is
 * how the lines of the problems call the place where they stand.
 */
export const readSettings = (values: EnvFile['values'], name: string): Settings =>
  readPlaces([{ name, values, problems: fileNameProblems(Object.keys(values), name) }], {
    folder: process.cwd(),
    isTerminal: false,
  }).settings

const readPlaces = (
  places: readonly Place[],
  { folder, isTerminal }: Required<Omit<Input, 'env'>>,
): LoadedSettings => {
  const readings = new Map(
    settingRows.map(row => [row.name, parseFound(row, find(row, places, folder))] as const),
  )
  refuse([...places.flatMap(({ problems }) => problems), ...problemsOf(readings)])

  const settings = fillSettings(({ name }) => readings.get(name)?.value, isTerminal)
  refuse(relations.filter(({ holds }) => !holds(settings)).map(({ line }) => line))
  return { settings, sources: sourcesOf(readings) }
}

/** The settings in force, as `gatewright config` prints them; secrets are `hidden`, absent ones `none`; `program` is what no place gave. */
export const describeSettings = ({
  settings,
  sources,
}: {
  readonly settings: Settings
  readonly sources: Partial<Sources>
}) =>
  settingRows.map(row => ({
    name: row.name,
    value: shownValue(row, settings),
    source: sources[row.name] ?? 'program',
  }))

const shownValue = (row: Setting, settings: Settings): string => {
  const value = settings[fieldOf(row.name)]
  if (value === undefined) return 'none'
  const show = row.secret ? row.shown : (row.show ?? String)
  // It takes what `parse` of the same row returned, which the loop over rows can't express.
  return show === undefined ? 'hidden' : (show as (value: unknown) => string)(value) || 'none'
}

/** One place where settings may stand; the first that has a name decides. */
type Place = Pick<EnvFile, 'values' | 'problems'> & { readonly name: string }

type Found = { readonly text: string; readonly source: string }
type Reading = { readonly source: string; readonly value?: unknown; readonly problem?: string }

const findPlaces = (env: EnvFile['values'], folder: string): readonly Place[] => {
  const environment = {
    name: 'environment',
    values: env,
    problems: [...environmentNameProblems(Object.keys(env)), ...uncheckedTlsProblems(env)],
  }
  const common = envFilePlace('.env', folder)
  // The kind of installation names the second file, so only the two other places may say it.
  const kind = nodeEnvOf([environment, common], folder)
  return kind === undefined ? [environment, common] : [environment, kindPlace(kind, folder), common]
}

const envFilePlace = (name: string, folder: string): Place => {
  const { values, names, problems } = readEnvFile(resolve(folder, name))
  return {
    name,
    values,
    problems: [...problems.map(line => `${name}: ${line}`), ...fileNameProblems(names, name)],
  }
}

const kindPlace = (kind: string, folder: string): Place => {
  const place = envFilePlace(`.env.${kind}`, folder)
  const { NODE_ENV, ...values } = place.values
  const line = `NODE_ENV in ${place.name} comes too late to choose that file: write it in .env or the environment`
  return NODE_ENV === undefined ? place : { ...place, values, problems: [...place.problems, line] }
}

const nodeEnvOf = (places: readonly Place[], folder: string): string | undefined => {
  const [row] = settingRows
  const reading = parseFound(row, find(row, places, folder))
  if (reading.problem !== undefined) return undefined
  return reading.value === undefined ? row.default : String(reading.value)
}

/** Undefined where the name stands nowhere; a {@link Reading} where finding it already failed. */
const find = (row: Setting, places: readonly Place[], folder: string): Found | Reading | undefined => {
  const fileName = `${row.name}_FILE`
  for (const { name: source, values } of places) {
    const text = values[row.name]
    const file = row.secret ? values[fileName] : undefined
    if (text && file) {
      return { source, problem: `${row.name} and ${fileName} both stand in ${shownPlace(source)}: keep one` }
    }
    if (file) return readSecretFile(fileName, file, folder)
    if (text !== undefined || file !== undefined) return text ? { text, source } : undefined
  }
  return undefined
}

const readSecretFile = (name: string, file: string, folder: string): Found | Reading => {
  const source = `file ${file}`
  try {
    const text = readFileSync(resolve(folder, file), 'utf8').replace(/[\r\n]+$/, '')
    return text === ''
      ? { source, problem: `${name} is the path of an empty file: write the secret into it, or another path` }
      : { source, text }
  } catch (error) {
    const code = codeOf(error)
    return {
      source,
      problem: `${name} cannot be read (${code}): write the path of a file that holds the secret`,
    }
  }
}

const parseFound = (row: Setting, found: Found | Reading | undefined): Reading => {
  if (found === undefined) return { source: 'default' }
  if (!('text' in found)) return found
  const { text, source } = found
  const value = row.parse(text)
  if (value !== undefined) return { source, value }
  const why = explainQuotes(text) ?? row.explain?.(text) ?? `write ${row.expects}`
  return { source, problem: `${row.name} in ${shownPlace(source)} is not valid: ${why}` }
}

/** Docker's `--env-file` takes them for a part of the value, and so does a file of a secret. */
const explainQuotes = (text: string): string | undefined =>
  /^(["'`]).*\1$/s.test(text) ? 'write it without the quotation marks around it' : undefined

const shownPlace = (source: string): string => (source === 'environment' ? 'the environment' : source)

const problemsOf = (readings: ReadonlyMap<SettingName, Reading>): readonly string[] =>
  [...readings.values()].flatMap(({ problem }) => problem ?? [])

const sourcesOf = (readings: ReadonlyMap<SettingName, Reading>): Sources =>
  // One entry a row: the map was made from the rows.
  Object.fromEntries([...readings].map(([name, { source }]) => [name, source])) as Sources

const refuse = (lines: readonly string[]): void => {
  if (lines.length > 0) throw new SettingsError(lines)
}

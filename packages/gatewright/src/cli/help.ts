import type { Command, Option, Options } from './command.ts'
import { toTable } from './table.ts'

export const program = 'gatewright'

/** What every command takes. */
export const commonOptions = {
  json: { kind: 'flag', describe: 'Prints one line of JSON, also for a refusal.' },
  help: { kind: 'flag', describe: 'Prints this.' },
} as const satisfies Options

/** `gatewright user disable <username>` */
export const toUsage = ({ name, parameters, options }: Command): string => {
  const words = Object.entries(parameters).map(([word, kind]) => `<${word}>${kind === 'some' ? '…' : ''}`)
  return [program, name, ...words, ...Object.entries(options).map(toUsageOption)].join(' ')
}

/** What `--help` prints for one command. */
export const commandHelp = (command: Command): string =>
  [
    toUsage(command),
    '',
    command.summary,
    '',
    'Options:',
    ...toTable(Object.entries({ ...command.options, ...commonOptions }).map(toHelpRow)).map(indent),
    '',
    'Example:',
    indent(`${program} ${command.example}`),
  ].join('\n')

/** What `gatewright user --help` prints. */
export const groupHelp = (commands: readonly Command[]): string =>
  [
    ...toTable(commands.map(({ name, summary }) => [name, summary])),
    '',
    `Each has its own help: ${program} ${commands[0]?.name} --help`,
  ].join('\n')

/** What `gatewright --help` prints. */
export const programHelp = (commands: readonly Command[]): string =>
  [
    `${program} <command> [options]`,
    '',
    'Commands:',
    ...toTable(commands.map(({ name, summary }) => [name, summary])).map(indent),
    '',
    'Every command has --help and --json. --version prints the version.',
    'Settings are read as the server reads them; docs/settings.md lists them.',
    'Exit codes: 0 done; 1 refused, or doctor found a problem; 2 wrong use.',
  ].join('\n')

const indent = (line: string): string => `  ${line}`.trimEnd()

const toHelpRow = ([name, { value, describe }]: readonly [string, Option]): readonly string[] => [
  value === undefined ? `--${name}` : `--${name} <${value}>`,
  describe,
]

const toUsageOption = ([name, { kind, value, required }]: readonly [string, Option]): string => {
  const written = `${kind === 'flag' ? `--${name}` : `--${name} <${value}>`}`
  return `${required ? written : `[${written}]`}${kind === 'texts' ? '…' : ''}`
}

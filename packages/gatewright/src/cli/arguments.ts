import { parseArgs } from 'node:util'
import { editDistance } from '../ground/setting-names.ts'
import { type Command, type Input, type Option, type Options, WrongUse } from './command.ts'
import { commandHelp, commonOptions, groupHelp, program, programHelp, toUsage } from './help.ts'

/** What the words of a command line ask for. */
export type Invocation =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'run'; readonly command: Command; readonly input: Input }

/**
 * Reads the words behind the program's name. Nothing of a value is ever repeated, for it may be a
 * password in the wrong place; names of commands and options are.
 *
 * @throws WrongUse with one line that says what to write
 */
export const parseArguments = (
  words: readonly string[],
  commands: readonly Command[],
  version: string,
): Invocation => {
  const command = commands.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '))
  if (command !== undefined) return parseCommand(command, words.slice(command.name.split(' ').length))
  const [first] = words
  if (isHelp(first)) return { kind: 'print', text: programHelp(commands) }
  if (first === '--version') return { kind: 'print', text: version }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0 && isHelp(words[1])) return { kind: 'print', text: groupHelp(group) }
  throw new WrongUse(unknownCommand(words, commands, group))
}

/** Whether a failure is to be told as JSON: also where the words could not be parsed. */
export const asksForJson = (words: readonly string[]): boolean => words.includes('--json')

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h'

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

const parseCommand = (command: Command, words: readonly string[]): Invocation => {
  const options = { ...command.options, ...commonOptions }
  const tokens = toTokens(words, options)
  const given = tokens.filter(token => token.kind === 'option')
  for (const token of given) checkOption(token, given, command, options)
  if (given.some(({ name }) => name === 'help')) return { kind: 'print', text: commandHelp(command) }
  const values = tokens.flatMap(token => (token.kind === 'positional' ? token.value : []))
  const input = { ...readOptions(command.options, given), ...readParameters(command, values) }
  return { kind: 'run', command, input }
}

/** One id in 64 begins with "-", and no option has this form. */
const dashedId = /^-(?=[A-Za-z0-9_][\w-]{20}$)/
/** Stands for that "-" meanwhile: no word of a command line holds it. */
const hidden = '\0'

const showId = (token: Token): Token =>
  token.kind === 'option-terminator' || !token.value?.startsWith(hidden)
    ? token
    : ({ ...token, value: token.value.replace(hidden, '-') } as Token)

/** Not strict: its own messages repeat values and don't know what was meant. */
const toTokens = (words: readonly string[], options: Options): readonly Token[] =>
  parseArgs({
    args: words.map(word => word.replace(dashedId, hidden)),
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { kind }]) => [
        name,
        { type: kind === 'flag' ? 'boolean' : 'string', ...(name === 'help' && { short: 'h' }) },
      ]),
    ),
  }).tokens.map(showId)

const checkOption = (
  token: OptionToken,
  given: readonly OptionToken[],
  command: Command,
  options: Options,
): void => {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
  if (option === undefined) throw new WrongUse(unknownOption(token, command, options))
  const written = toWritten(token.name, option)
  if (option.kind === 'flag' && token.value !== undefined)
    throw new WrongUse(`${token.rawName} takes no value: write ${written}`)
  // A value that begins with "-" is an option whose own value was forgotten, unless it is an id or written with "=".
  const isForgotten = (value: string): boolean =>
    !token.inlineValue && value.startsWith('-') && !dashedId.test(value)
  if (option.kind !== 'flag' && (token.value === undefined || isForgotten(token.value)))
    throw new WrongUse(`${token.rawName} needs a value: write ${written}`)
  if (option.kind === 'text' && given.filter(({ name }) => name === token.name).length > 1)
    throw new WrongUse(`${token.rawName} stands more than once: write it once`)
}

const toWritten = (name: string, { value }: Option): string => (value ? `--${name} <${value}>` : `--${name}`)

/** Where people expect to write a password. Other users of the machine see arguments, and shells keep them. */
const passwordNames = ['password', 'passwd', 'pass', 'pw', 'p']

const unknownOption = ({ name, rawName }: OptionToken, command: Command, options: Options): string => {
  if (passwordNames.includes(name) && 'password-stdin' in options)
    return `${rawName} is refused, because others can see the arguments of a program: write --password-stdin and give the password on standard input`
  const meant = nearest(name, Object.keys(options))
  const advice = meant === undefined ? `${program} ${command.name} --help lists them` : `write --${meant}`
  const takesArguments = Object.keys(command.parameters).length > 0
  const dashes = takesArguments ? '; before an argument that begins with "-" write --' : ''
  return `${command.name} has no option ${quote(rawName)}: ${advice}${dashes}`
}

const readOptions = (options: Options, given: readonly OptionToken[]): Input =>
  Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const values = given.filter(token => token.name === name).map(({ value }) => value ?? '')
      if (option.required && values.length === 0)
        throw new WrongUse(`--${name} is missing: write ${toWritten(name, option)}`)
      if (option.kind === 'flag') return [name, values.length > 0]
      return [name, option.kind === 'texts' ? values : values[0]]
    }),
  )

const readParameters = (command: Command, values: readonly string[]): Input => {
  const names = Object.keys(command.parameters)
  const missing = names[values.length]
  if (missing !== undefined) throw new WrongUse(`the ${missing} is missing: write ${toUsage(command)}`)
  const takesMore = Object.values(command.parameters).at(-1) === 'some'
  if (values.length > names.length && !takesMore)
    throw new WrongUse(`there are too many arguments: write ${toUsage(command)}`)
  return Object.fromEntries(
    Object.entries(command.parameters).map(([name, kind], at) => [
      name,
      kind === 'some' ? values.slice(at) : values[at],
    ]),
  )
}

const unknownCommand = (
  [first = '', second = '-']: readonly string[],
  commands: readonly Command[],
  group: readonly Command[],
): string => {
  if (first === '' || first.startsWith('-'))
    return `the command must come first: write ${program} <command>; ${program} --help lists the commands`
  const choice = toChoice(group.map(({ name }) => name))
  const isOneWord = second.startsWith('-')
  if (choice !== '' && isOneWord) return `${first} is not complete: write ${program} ${choice}`
  const asked = isOneWord ? first : `${first} ${second}`
  const names = commands.map(({ name }) => name)
  const words = names.filter(name => name.includes(' ')).map(name => name.split(' ')[0] ?? '')
  const word = nearest(first, words)
  const meant = nearest(asked, names) ?? nearest(first, names) ?? (choice || (word && `${word} --help`))
  const advice = !meant ? `${program} --help lists the commands` : `write ${program} ${meant}`
  return `there is no command ${quote(asked)}: ${advice}`
}

const mostEdits = 2

const nearest = (name: string, known: readonly string[]): string | undefined =>
  known
    .map(candidate => ({ candidate, edits: editDistance(name, candidate) }))
    .filter(({ candidate, edits }) => edits <= Math.min(mostEdits, candidate.length - 2))
    .sort((a, b) => a.edits - b.edits)[0]?.candidate

const toChoice = (names: readonly string[]): string => {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`
}

const longestQuote = 40

const quote = (text: string): string =>
  JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text)

/** How an option is written: `--name <value>`, the same and repeatable, or `--name` alone. */
export type Option = {
  readonly kind: 'text' | 'texts' | 'flag'
  /** What stands for the value in usage and help. */
  readonly value?: string
  readonly required?: true
  readonly describe: string
}
export type Options = Readonly<Record<string, Option>>

/** The arguments behind the command's name, in order: exactly one word, or (last) one or more. */
export type Parameters = Readonly<Record<string, 'one' | 'some'>>

type OptionValue<O extends Option> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'texts'
    ? readonly string[]
    : O extends { readonly required: true }
      ? string
      : string | undefined

/** What a command is called with: one field an option or parameter, by its name. */
type InputOf<O extends Options, P extends Parameters> = {
  readonly [Name in keyof O]: OptionValue<O[Name]>
} & { readonly [Name in keyof P]: P[Name] extends 'some' ? readonly string[] : string }

export type Input = Readonly<Record<string, boolean | string | readonly string[] | undefined>>

/** What a command has to say, to people and to programs; `ok` is added to the JSON. */
export type Result = {
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  /** 1 where it ran and found something wrong. */
  readonly exitCode?: 0 | 1
}

type Declaration<O extends Options, P extends Parameters> = {
  /** One or two words: `doctor`, `user create`. */
  readonly name: string
  /** One sentence. */
  readonly summary: string
  readonly parameters: P
  readonly options: O
  /** What is written behind the name of the program. */
  readonly example: string
  /** Gives nothing where the program goes on, and says by itself what it has to say. */
  readonly run: (input: InputOf<O, P>) => Promise<Result | undefined>
}

/** A command as the table and the parser see it. */
export type Command = Omit<Declaration<Options, Parameters>, 'run'> & {
  readonly run: (input: Input) => Promise<Result | undefined>
}

/**
 * Declares a command. What `run` needs is imported inside it: help stays quick, and `doctor` runs where
 * a part of the engine can not even be loaded.
 */
export const defineCommand = <const O extends Options, const P extends Parameters>(
  declaration: Declaration<O, P>,
): Command => ({
  ...declaration,
  // The parser makes the input from these very options and parameters, which the table can't express.
  run: input => declaration.run(input as InputOf<O, P>),
})

/** The command line was not written as it must be. The message says what to write, and no value given. */
export class WrongUse extends Error {
  override readonly name = 'WrongUse'
}

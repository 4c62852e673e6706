/** One instruction with all its lines in one. */
export type Instruction = { readonly name: string; readonly text: string }
export type Stage = {
  readonly name: string
  readonly base: string
  readonly instructions: readonly Instruction[]
}
export type Dockerfile = {
  readonly args: ReadonlyMap<string, string>
  readonly stages: readonly Stage[]
}

const toInstruction = (line: string): Instruction => {
  const [, name = '', text = ''] = /^([A-Za-z]+)\s+(.*)$/s.exec(line.trim()) ?? []
  return { name: name.toUpperCase(), text: text.replace(/\s+/g, ' ').trim() }
}

const toLines = (source: string): readonly string[] =>
  source
    .split('\n')
    .filter(line => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')

const toArg = (text: string): readonly [string, string] => {
  const [name = '', ...value] = text.split('=')
  return [name, value.join('=')]
}

const toStage = ([from, ...instructions]: readonly Instruction[]): Stage => {
  const [base = '', , name = ''] = from?.text.split(' ') ?? []
  return { name, base, instructions }
}

/** Reads as much of a Dockerfile as ours has: no heredoc, no other escape than the backslash. */
export const parseDockerfile = (source: string): Dockerfile => {
  const all = toLines(source)
    .filter(line => line.trim() !== '')
    .map(toInstruction)
  const starts = all.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []))
  const before = all.slice(0, starts[0])
  return {
    args: new Map(before.filter(({ name }) => name === 'ARG').map(({ text }) => toArg(text))),
    stages: starts.map((start, index) => toStage(all.slice(start, starts[index + 1]))),
  }
}

/** The instructions that make an image of this stage: those of the stages that it is built on come first. */
export const wholeStage = ({ stages }: Dockerfile, name: string): readonly Instruction[] => {
  const stage = stages.find(stage => stage.name === name)
  return stage === undefined
    ? []
    : [...wholeStage({ args: new Map(), stages }, stage.base), ...stage.instructions]
}

/** What an image of this stage says of itself, where its build is given these arguments. */
export const readLabels = (
  dockerfile: Dockerfile,
  target: string,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const textsOf = (name: string): readonly string[] =>
    wholeStage(dockerfile, target).flatMap(each => (each.name === name ? [each.text] : []))
  const values = { ...Object.fromEntries(textsOf('ARG').map(toArg)), ...given }
  const labels = textsOf('LABEL').flatMap(text => [...text.matchAll(/([\w.]+)="([^"]*)"/g)])
  return Object.fromEntries(
    labels.map(([, name = '', text = '']) => [
      name,
      text.replace(/\$\{(\w+)\}/g, (_, argument: string) => values[argument] ?? ''),
    ]),
  )
}

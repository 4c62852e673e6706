/** What goes where, and how it is looked at afterwards. */
export type Plan = {
  readonly image: string
  readonly url: string
  readonly mount: string | undefined
  readonly namespace: string
  /** A user for the smoke test, where nobody may register. */
  readonly account: { readonly username: string; readonly password: string } | undefined
  /** The longest that a migration, or a roll-out, may take; as kubectl writes it. */
  readonly timeout: string
}

type Environment = Readonly<Record<string, string | undefined>>

type Variable = {
  readonly name: string
  readonly form: RegExp
  readonly expects: string
  readonly default?: string
}

/** A tag may be moved to another image; a digest is the image. */
const variables = [
  {
    name: 'IMAGE',
    form: /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$/,
    expects: 'an image by its digest, such as ghcr.io/example/gatewright@sha256:…',
  },
  {
    name: 'PUBLIC_URL',
    form: /^(https:\/\/[\w.:[\]-]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)$/,
    expects: 'the address that users go to, such as https://api.example.org',
  },
  { name: 'MOUNT', form: /^(\/[\w.~-]+)*$/, expects: 'the path before /login, such as /api/v1', default: '' },
  { name: 'NAMESPACE', form: /^[a-z0-9-]{1,63}$/, expects: 'the name of a namespace', default: 'gatewright' },
  { name: 'TIMEOUT', form: /^[1-9]\d{0,3}[ms]$/, expects: 'a time such as 600s or 10m', default: '10m' },
  { name: 'SMOKE_USERNAME', form: /^[^\0\r\n-][^\0\r\n]*$|^$/, expects: 'the name of a user', default: '' },
] as const satisfies readonly Variable[]

type Name = (typeof variables)[number]['name']

const problemOf = (environment: Environment, variable: Variable): readonly string[] => {
  const value = environment[variable.name] || variable.default
  return value !== undefined && variable.form.test(value)
    ? []
    : [`${variable.name}: write ${variable.expects}`]
}

/** A plan, or what is wrong with the environment; no value is repeated. */
export const readPlan = (environment: Environment): Plan | readonly string[] => {
  const problems = variables.flatMap(variable => problemOf(environment, variable))
  const password = environment.SMOKE_PASSWORD ?? ''
  const textOf = (name: Name): string =>
    environment[name] || ((variables as readonly Variable[]).find(each => each.name === name)?.default ?? '')
  const username = textOf('SMOKE_USERNAME')
  if ((username === '') !== (password === ''))
    problems.push('SMOKE_USERNAME and SMOKE_PASSWORD: set both, or neither')
  if (problems.length > 0) return problems
  return {
    image: textOf('IMAGE'),
    url: textOf('PUBLIC_URL'),
    mount: textOf('MOUNT') || undefined,
    namespace: textOf('NAMESPACE'),
    account: username === '' ? undefined : { username, password },
    timeout: textOf('TIMEOUT'),
  }
}

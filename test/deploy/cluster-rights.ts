import type { PolicyRule } from 'kubernetes-types/rbac/v1.d.ts'

/** One request to the API server. `create`, and a list by labels, are for no name. */
export type Right = { readonly verb: string; readonly resource: string; readonly name?: string }

const groups: Readonly<Record<string, string>> = { deployments: 'apps', replicasets: 'apps', jobs: 'batch' }
const every = (verbs: string, resource: string, name?: string): readonly Right[] =>
  verbs.split(' ').map(verb => ({ verb, resource, ...(name !== undefined && { name }) }))

/** What kubectl (1.32, looked at with a server that writes down requests) asks for, by what it was told. */
const needs: Readonly<Record<string, (name: string) => readonly Right[]>> = {
  'get deployment': name => every('get', 'deployments', name),
  'get job': name => every('get', 'jobs', name),
  'delete job': name => every('delete get list watch', 'jobs', name),
  create: () => every('create', 'jobs'),
  'set image deployment': name => every('get patch', 'deployments', name),
  'rollout status deployment': name => every('get list watch', 'deployments', name),
  'rollout undo deployment': name => [
    ...every('get patch', 'deployments', name),
    ...every('list', 'replicasets'),
  ],
}

const raise = (message: string): never => {
  throw new Error(message)
}

/** @throws for a call that nobody has looked at: what it needs stands above, or is not known */
export const rightsOf = (words: readonly string[]): readonly Right[] => {
  const told = words
    .filter(word => !word.startsWith('-'))
    .join(' ')
    .replace('/', ' ')
  const [call, toRights] =
    Object.entries(needs).find(([each]) => `${told} `.startsWith(`${each} `)) ??
    raise(`nobody knows what "${told}" needs`)
  return toRights(told.slice(call.length + 1).split(' ')[0] ?? '')
}

/** As RBAC decides; a rule of names lets nobody do what is for no name. */
export const isAllowed = (rules: readonly PolicyRule[], { verb, resource, name }: Right): boolean =>
  rules.some(
    rule =>
      rule.apiGroups?.includes(groups[resource] ?? '') &&
      rule.resources?.includes(resource) &&
      rule.verbs.includes(verb) &&
      (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))),
  )

/** All that rules give, as `wordOf` writes it. */
export const toWords = (rules: readonly PolicyRule[]): readonly string[] =>
  rules.flatMap(({ verbs, resources = [], resourceNames = [undefined] }) =>
    verbs.flatMap(verb =>
      resources.flatMap(resource =>
        resourceNames.map(name => wordOf({ verb, resource, ...(name !== undefined && { name }) })),
      ),
    ),
  )

export const wordOf = ({ verb, resource, name }: Right): string =>
  `${verb} ${resource}${name === undefined ? '' : `/${name}`}`

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PolicyRule, Role } from 'kubernetes-types/rbac/v1.d.ts'
import { parseAllDocuments } from 'yaml'
import { top } from '../markdown.ts'

/** What the cluster of the program below is like. */
type State = {
  readonly image: string
  /** The image of each revision; the last one runs. */
  readonly revisions: readonly string[]
  readonly calls: readonly (readonly string[])[]
  /** What was given to `create` on standard input. */
  readonly created: string
  /** Of the files that KUBECONFIG named. */
  readonly kubeconfig: string
  /** The one that the deployment is in. */
  readonly namespace: string
  /** Of the account that calls; and what was made use of. */
  readonly rules: readonly PolicyRule[]
  readonly rights: readonly string[]
}

/**
 * Stands on PATH in the place of kubectl, and keeps a deployment in a file. What the account has no right to is refused,
 * and so is a manifest of another namespace than the one that is named. An image with "stuck" in its name never
 * gets ready, the migration of one with "unmigratable" fails, and of one with "unanswered" nobody hears that it was set.
 */
const program = (state: string): string => `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const state = JSON.parse(readFileSync(${JSON.stringify(state)}, 'utf8'))
const { isAllowed, rightsOf, wordOf } = require(${JSON.stringify(join(top, 'test/deploy/cluster-rights.ts'))})
const [, , , namespace, verb, ...words] = process.argv
state.calls.push([verb, ...words])
let [code, out] = [0, '']
const roll = image => { state.image = image; state.revisions.push(image) }
const all = words.join(' ')
const refuse = told => { code = 1; console.error(told) }
const rights = rightsOf([verb, ...words])
const missing = rights.filter(right => namespace !== state.namespace || !isAllowed(state.rules, right))
const given = verb === 'create' ? readFileSync(0, 'utf8') : ''
const [, named = namespace] = /^ {2}namespace: (.+)$/m.exec(given) ?? []
state.rights.push(...rights.map(wordOf))
if (process.env.KUBECONFIG) state.kubeconfig = readFileSync(process.env.KUBECONFIG, 'utf8')
if (process.env.SMOKE_PASSWORD || process.env.KUBECONFIG_CONTENT) code = 99
else if (missing.length > 0) refuse('Error from server (Forbidden): ' + missing.map(wordOf).join(', '))
else if (named !== namespace) refuse('error: the namespace from the provided object "' + named + '" does not match the namespace "' + namespace + '".')
else if (state.image === '') refuse('Error from server (NotFound)')
else if (verb === 'get' && /^deployment/.test(all)) out = state.image + ' ' + state.revisions.length
else if (verb === 'get') out = /unmigratable/.test(state.created) ? 'FailureTarget Failed' : 'SuccessCriteriaMet Complete'
else if (verb === 'create') state.created = given
else if (verb === 'set') {
  roll(words[2].replace('gatewright=', ''))
  if (/unanswered/.test(state.image)) code = 1
}
else if (verb === 'rollout' && words[0] === 'status') code = /stuck/.test(state.image) ? 1 : 0
else if (verb === 'rollout') roll(state.revisions[Number(/--to-revision=(\\d+)/.exec(all)[1]) - 1])
writeFileSync(${JSON.stringify(state)}, JSON.stringify(state))
process.stdout.write(out)
process.exitCode = code
`

type Owner = { readonly after: (end: () => void) => void }

/** Those of the account that deploy/kubernetes has for a pipeline. */
export const deployerRules: readonly PolicyRule[] =
  parseAllDocuments(readFileSync(join(top, 'deploy/kubernetes/deployer.yaml'), 'utf8'))
    .map(document => document.toJS() as Role)
    .find(({ kind }) => kind === 'Role')?.rules ?? []

export type Cluster = Partial<Pick<State, 'namespace' | 'rules'>>

/** @param images what ran before, oldest first; none where there is no deployment */
export const placeKubectl = (
  owner: Owner,
  images: readonly string[],
  { namespace = 'gatewright', rules = deployerRules }: Cluster = {},
) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-kubectl-'))
  owner.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'state.json')
  const first: State = {
    image: images.at(-1) ?? '',
    revisions: images,
    calls: [],
    created: '',
    kubeconfig: '',
    namespace,
    rules,
    rights: [],
  }
  writeFileSync(file, JSON.stringify(first))
  writeFileSync(join(folder, 'kubectl'), program(file), { mode: 0o755 })
  return { folder, read: () => JSON.parse(readFileSync(file, 'utf8')) as State }
}

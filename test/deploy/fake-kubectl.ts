import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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
}

/**
 * Stands on PATH in the place of kubectl, and keeps a deployment in a file. An image with "stuck" in its name never
 * gets ready, the migration of one with "unmigratable" fails, and of one with "unanswered" nobody hears that it was set.
 */
const program = (state: string): string => `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const state = JSON.parse(readFileSync(${JSON.stringify(state)}, 'utf8'))
const [, , , , verb, ...words] = process.argv
state.calls.push([verb, ...words])
let [code, out] = [0, '']
const roll = image => { state.image = image; state.revisions.push(image) }
const all = words.join(' ')
if (process.env.KUBECONFIG) state.kubeconfig = readFileSync(process.env.KUBECONFIG, 'utf8')
if (process.env.SMOKE_PASSWORD || process.env.KUBECONFIG_CONTENT) code = 99
else if (state.image === '') { code = 1; console.error('Error from server (NotFound)') }
else if (verb === 'get' && /^deployment/.test(all)) out = state.image + ' ' + state.revisions.length
else if (verb === 'get') out = /unmigratable/.test(state.created) ? 'FailureTarget Failed' : 'SuccessCriteriaMet Complete'
else if (verb === 'create') state.created = readFileSync(0, 'utf8')
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

/** @param images what ran before, oldest first; none where there is no deployment */
export const placeKubectl = (owner: Owner, images: readonly string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-kubectl-'))
  owner.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'state.json')
  const first: State = {
    image: images.at(-1) ?? '',
    revisions: images,
    calls: [],
    created: '',
    kubeconfig: '',
  }
  writeFileSync(file, JSON.stringify(first))
  writeFileSync(join(folder, 'kubectl'), program(file), { mode: 0o755 })
  return { folder, read: () => JSON.parse(readFileSync(file, 'utf8')) as State }
}

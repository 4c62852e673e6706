import { posix } from 'node:path'
import { type Import, parseSource, type Sources } from './sources.ts'

const engine = 'packages/gatewright/src/'
const floorList = `${engine}floors.ts`
const manifest = 'packages/gatewright/package.json'

export type Layout = {
  /** Folders and top-level files of the engine, lowest first. */
  readonly floors: readonly string[]
  /** What the packages of this repository export: name as imported → file. */
  readonly exported: ReadonlyMap<string, string>
  /** The names of the packages of this repository. */
  readonly packages: readonly string[]
}

/** Where an import leads: a file of the repository, npm or Node.js, or nowhere that may be written. */
type Target =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'installed' | 'not exported' | 'computed' | 'unusual' }

type Edge = Import & { readonly from: string; readonly to: Target }
type Rule = (edge: Edge, layout: Layout) => string | undefined

/**
 * Every import that the layout forbids, as `file:line: what is wrong`, and every cycle of files.
 * Pure: files that `sources` does not hold are not looked for.
 */
export const findFaults = (sources: Sources, layout: Layout): readonly string[] => {
  const edges = [...sources].flatMap(([from, text]) =>
    parseSource(from, text).imports.map(toEdge(from, layout)),
  )
  return [
    ...[...sources.keys()].flatMap(path => checkFloorOf(path, layout) ?? []),
    ...edges.flatMap(edge =>
      rules.flatMap(rule => {
        const fault = rule(edge, layout)
        return fault === undefined ? [] : `${edge.from}:${edge.line}: ${fault}`
      }),
    ),
    ...findCycles(edges),
  ]
}

const toEdge =
  (from: string, layout: Layout) =>
  (found: Import): Edge => ({ ...found, from, to: resolve(from, found.specifier, layout) })

const resolve = (from: string, specifier: string | undefined, { exported, packages }: Layout): Target => {
  if (specifier === undefined) return { kind: 'computed' }
  if (/^\.\.?\//.test(specifier)) return { kind: 'file', path: posix.join(posix.dirname(from), specifier) }
  if (/^([#/.]|file:)/.test(specifier)) return { kind: 'unusual' }
  const path = exported.get(specifier)
  if (path !== undefined) return { kind: 'file', path }
  return {
    kind: packages.some(name => `${specifier}/`.startsWith(`${name}/`)) ? 'not exported' : 'installed',
  }
}

/** `packages/gatewright/src/users/user.ts` → `users`; `packages/gatewright/src/compose.ts` → `compose.ts`. */
const toFloor = (path: string): string => path.slice(engine.length).split('/')[0] ?? ''

/** `packages/gatewright`, `apps/blog`; undefined for what is nobody's (tools, test, bench). */
const toWorkspace = (path: string): string | undefined => /^(packages|apps)\/[^/]+/.exec(path)?.[0]

const isTest = (path: string): boolean => /\.test\.tsx?$|\/test\//.test(path)

const isHeldToFloors = (path: string): boolean =>
  path.startsWith(engine) && path !== floorList && !isTest(path)

const checkFloorOf = (path: string, { floors }: Layout): string | undefined =>
  isHeldToFloors(path) && !floors.includes(toFloor(path))
    ? `${path}: ${toFloor(path)} is not in the list of floors. Add it to ${floorList}, above all that import it`
    : undefined

const refuseWhatCannotBeChecked: Rule = ({ from, to }) => {
  if (to.kind === 'unusual') return 'write a relative path or the name of a package'
  if (to.kind === 'computed' && toWorkspace(from) !== undefined && !isTest(from))
    return 'a computed import can not be checked: write its path out'
  return undefined
}

const refuseWhatIsNotExported: Rule = ({ specifier, to }) =>
  to.kind === 'not exported' ? `${specifier} is not in the exports of its package` : undefined

/** A package sees of another what its users see. A test may also use the repository's own test folder. */
const refusePathsIntoOtherPackages: Rule = ({ from, specifier, to }) => {
  if (to.kind !== 'file' || !specifier?.startsWith('.')) return undefined
  const home = toWorkspace(from)
  const other = toWorkspace(to.path)
  if (home === undefined || home === other || (other === undefined && isTest(from))) return undefined
  return other === undefined
    ? `${to.path} does not belong to the package`
    : `${to.path} belongs to another package: import it by a name in its exports`
}

const refuseImportsUpwards: Rule = ({ from, to }, { floors }) => {
  if (from === floorList) return 'the list of floors imports nothing'
  if (to.kind !== 'file' || to.path === manifest || !isHeldToFloors(from)) return undefined
  if (!to.path.startsWith(engine)) return `${to.path} does not belong to the source of the package`
  const [own, other] = [toFloor(from), toFloor(to.path)]
  if (own === other || (floors.includes(other) && floors.indexOf(other) < floors.indexOf(own)))
    return undefined
  return `${own} may not import from ${other}: only from itself and the floors below (${floorList})`
}

const rules: readonly Rule[] = [
  refuseWhatCannotBeChecked,
  refuseWhatIsNotExported,
  refusePathsIntoOtherPackages,
  refuseImportsUpwards,
]

/** At least one way round every knot of files that need each other, types included. */
const findCycles = (edges: readonly Edge[]): readonly string[] => {
  const outgoing = Map.groupBy(edges, edge => edge.from)
  const done = new Set<string>()
  const trail: string[] = []
  const faults: string[] = []
  const visit = (path: string): void => {
    const start = trail.indexOf(path)
    if (start >= 0) faults.push(`cycle: ${[...trail.slice(start), path].join(' → ')}`)
    if (start >= 0 || done.has(path)) return
    trail.push(path)
    for (const { to } of outgoing.get(path) ?? []) if (to.kind === 'file') visit(to.path)
    trail.pop()
    done.add(path)
  }
  for (const path of outgoing.keys()) visit(path)
  return faults
}

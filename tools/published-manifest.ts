/** What of a package.json is looked at here; everything else stays as it is. */
type Manifest = {
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
  readonly scripts?: object
  readonly devDependencies?: object
}

/** What only the tests of this repository import: it may change with any version. */
const inside = ['./compose', './settings']

/** `./src/http/app.ts` → `./dist/http/app.js` */
const toBuilt = (path: string, ending: '.js' | '.d.ts'): string =>
  path.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, ending)

/** Where the release workflow runs (`owner/name`): npm takes provenance only of the repository that a package names. */
type Home = { readonly repository: string | undefined; readonly folder: string }

const toRepository = ({ repository, folder }: Home) =>
  repository === undefined
    ? {}
    : { repository: { type: 'git', url: `git+https://github.com/${repository}.git`, directory: folder } }

/**
 * The manifest that is published: JavaScript with its types where the repository runs the sources, and
 * nothing that only the repository needs.
 */
export const toPublished = (manifest: Manifest, home?: Home) => {
  const { scripts: _scripts, devDependencies: _devDependencies, bin, ...rest } = manifest
  const names = Object.entries(manifest.exports).filter(([name]) => !inside.includes(name))
  return {
    ...rest,
    ...(home && toRepository(home)),
    ...(bin && {
      bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, toBuilt(path, '.js')])),
    }),
    exports: Object.fromEntries(
      names.map(([name, path]) => [name, { types: toBuilt(path, '.d.ts'), default: toBuilt(path, '.js') }]),
    ),
  }
}

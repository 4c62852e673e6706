import { globSync, lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'

export type Found = { readonly path: string; readonly stats: Stats }

/** Every file and folder of an image, as its path there. */
export const listFiles = (root: string): readonly Found[] => {
  const found: Found[] = []
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(root, folder))) {
      const path = `${folder}/${name}`
      const stats = lstatSync(join(root, path))
      found.push({ path, stats })
      if (stats.isDirectory()) walk(path)
    }
  }
  walk('')
  return found
}

const isPlain = ({ stats }: Found): boolean => stats.isFile() || stats.isDirectory()

/** What an image must not have, each as one row; what is given is the breach. */
export const rootRules: Readonly<Record<string, (found: Found) => boolean>> = {
  'a program that gives whoever starts it the rights of another': ({ stats }) =>
    stats.isFile() && (stats.mode & 0o6000) !== 0,
  'a file that everybody may write, or such a folder in which everybody may delete': found =>
    isPlain(found) && (found.stats.mode & 0o002) !== 0 && (found.stats.mode & 0o1000) === 0,
  'a file of the user it runs as, outside of /data': ({ path, stats }) =>
    (stats.uid === 10001 || stats.gid === 10001) && !/^\/data(\/|$)/.test(path),
  'something of the application that is not owned by root': ({ path, stats }) =>
    path.startsWith('/app') && (stats.uid !== 0 || stats.gid !== 0),
  'npm, or another program that fetches programs': ({ path }) =>
    /\/(npm|npx|yarn|pnpm|corepack|curl|wget|git)$/.test(path) && /\/bin\//.test(path),
  'a compiler, a test or types': ({ path }) =>
    path.startsWith('/app') &&
    /(\.d\.[cm]?ts|\.test\.[jt]s|\.map|\/typescript\/.*|\/vite\/.*|\/node_modules\/playwright[^/]*\/.*)$/.test(
      path,
    ),
  'an .env file, a folder of git, npm or data, or a file of settings of npm': ({ path }) =>
    /\/(\.env(\..*)?|\.git|\.npm|\.npmrc|_cacache|gatewright\.db.*)$/.test(path),
  'a key': ({ path }) => /\.(key|pem|p12|pfx)$/.test(path) && !/^\/(etc\/ssl|usr\/(share|lib))\//.test(path),
}

/** The packages that lie in a folder of modules, as `name@version`. */
export const listPackages = (modules: string): ReadonlySet<string> =>
  new Set(
    globSync(
      [
        '*/package.json',
        '@*/*/package.json',
        '**/node_modules/*/package.json',
        '**/node_modules/@*/*/package.json',
      ],
      {
        cwd: modules,
      },
    )
      .map(path => JSON.parse(readFileSync(join(modules, path), 'utf8')))
      .map(({ name, version }) => `${name}@${version}`),
  )

type Component = { readonly group?: string; readonly name: string; readonly version: string }

/** The packages that a list in the form CycloneDX names. */
export const listedPackages = (sbom: string): ReadonlySet<string> =>
  new Set(
    JSON.parse(sbom).components.map(({ group, name, version }: Component) =>
      group === undefined ? `${name}@${version}` : `${group}/${name}@${version}`,
    ),
  )

import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildConsoleOf, compilePackage } from './built-package.ts'
import { toPublished } from './published-manifest.ts'
import { makeSbom } from './sbom.ts'
import { top } from './top.ts'

/*
 * For the Dockerfile: `node tools/image-files.ts <folder>` builds the engine, the console and the blog, and lays what
 * of them runs into `<folder>/gatewright` and `<folder>/blog`, to be copied over each other beside `node_modules`.
 * Nothing is chosen by leaving something out: what is not named here is not in the image.
 */
const engine = join(top, 'packages/gatewright')

/** The server finds JavaScript, and no program of the image can compile. */
const layEngine = (target: string): void => {
  buildConsoleOf(engine)
  compilePackage(engine)
  const place = join(target, 'packages/gatewright')
  mkdirSync(place, { recursive: true })
  const filter = (path: string): boolean => !path.endsWith('.d.ts')
  for (const name of ['dist', 'console'])
    cpSync(join(engine, name), join(place, name), { recursive: true, filter })
  const published = toPublished(JSON.parse(readFileSync(join(engine, 'package.json'), 'utf8')))
  writeFileSync(join(place, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  mkdirSync(join(target, 'node_modules'), { recursive: true })
  symlinkSync('../packages/gatewright', join(target, 'node_modules/gatewright'))
  cpSync(join(top, 'deploy/container/health.ts'), join(target, 'health.ts'))
  cpSync(join(top, 'LICENSE'), join(target, 'LICENSE'))
}

/** A handful of files, which Node.js runs as they are. */
const layBlog = (target: string): void => {
  for (const name of ['package.json', 'src'])
    cpSync(join(top, 'apps/blog', name), join(target, 'apps/blog', name), {
      recursive: true,
      filter: path => !path.endsWith('.test.ts'),
    })
}

/** Each package by name, version and licence: what scanners of the image read. */
const writeSbom = (target: string, workspace: string): void => {
  mkdirSync(target, { recursive: true })
  writeFileSync(join(target, 'sbom.cdx.json'), `${JSON.stringify(makeSbom(workspace), null, 2)}\n`)
}

const main = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  layEngine(join(folder, 'gatewright'))
  layBlog(join(folder, 'blog'))
  writeSbom(join(folder, 'gatewright'), 'gatewright')
  writeSbom(join(folder, 'blog'), '@gatewright/blog')
}

const folder = process.argv[2]
if (folder === undefined) throw new TypeError('write: node tools/image-files.ts <folder>')
main(resolve(folder))

import { readFileSync } from 'node:fs'

type Manifest = { readonly version: string; readonly engines: { readonly node: string } }

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest

/** The version of Gatewright. */
export const { version } = manifest

/** The oldest Node.js that it runs on, as a major version. */
export const leastNode = Number(/\d+/.exec(manifest.engines.node)?.[0])

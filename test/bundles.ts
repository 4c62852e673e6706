import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFileHolds } from './file-holds.ts'
import { top } from './markdown.ts'

/*
 * Test files that leave the process as it is share one with their neighbours: to start a process and to load
 * and warm up the product costs more than a second of processor time each, which is what most files take in
 * all. Each stays a suite of its own, with its own hooks, databases and apps, one after the other.
 */

/**
 * What changes or measures the process that it runs in; and what waits while it is loaded, which no suite can. A
 * line that ends a list of parameters is of a function; what is done at the exit disturbs nobody before.
 */
const needsOwnProcess =
  /^(?!\)|[^\n]*\basync\b)\S[^\n]*\bawait |node:cluster|\bmock\.|process\.(?:env\.\w+ = |env\[|chdir|exitCode|on\(|once\((?!'exit')|kill\(process\.pid|memoryUsage|cpuUsage)|delete process\.env|emitWarning|monitorEventLoopDelay|queryObjects|\/proc\/self|\bgc\(/m

/** The product may do so: the process that a test runs in is not changed by its being loaded. */
const isOfTests = (path: string): boolean =>
  /\/test\/|\/testing\/|\.test\.ts$/.test(path.slice(top.length)) || path.startsWith(join(top, 'tools/'))

const filesOfBundle = 16

/** Neighbours in a folder take about as long as each other: they are dealt out. */
const deal = (files: readonly string[]): readonly (readonly string[])[] => {
  const count = Math.ceil(files.length / filesOfBundle)
  return Array.from({ length: count }, (_, bundle) => files.filter((__, index) => index % count === bundle))
}

/** Which of these files run in a process of their own, and which of them together. */
export const bundleFiles = (
  files: readonly string[],
): { readonly alone: readonly string[]; readonly bundles: readonly (readonly string[])[] } => {
  const isAlone = createFileHolds(needsOwnProcess, isOfTests)
  const { alone = [], together = [] } = Object.groupBy(files, file =>
    isAlone(join(top, file)) ? 'alone' : 'together',
  )
  return { alone, bundles: deal(together) }
}

/** Loaded in the turn in which the suite is made: a test belongs to the suite of whoever began its turn. */
const toSuite = (file: string): string =>
  `suite(${JSON.stringify(file)}, () => { require(${JSON.stringify(join(top, file))}) })\n`

const head = `const { suite } = require('node:test')\n`

/** Writes a file for each bundle, which loads its test files as suites. */
export const writeBundles = (bundles: readonly (readonly string[])[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bundles-'))
  const files = bundles.map((bundle, index) => {
    const path = join(folder, `bundle-${index + 1}.test.cjs`)
    writeFileSync(path, `${head}${bundle.map(toSuite).join('')}`)
    return path
  })
  return { files, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

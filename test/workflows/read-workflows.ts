import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { top } from '../markdown.ts'

export type Step = {
  readonly id?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, unknown>>
  readonly [more: string]: unknown
}
export type Job = {
  readonly uses?: string
  readonly steps?: readonly Step[]
  readonly permissions?: unknown
  readonly 'timeout-minutes'?: number
  readonly strategy?: { readonly matrix?: Readonly<Record<string, readonly string[]>> }
  readonly [more: string]: unknown
}
export type Workflow = {
  readonly path: string
  readonly text: string
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: unknown
  readonly concurrency?: { readonly group?: string; readonly 'cancel-in-progress'?: unknown }
  readonly jobs: Readonly<Record<string, Job>>
}

/** YAML 1.2, as GitHub reads it: `on` is a name and no truth value. A name that stands twice is refused. */
export const parseWorkflow = (path: string, text: string): Workflow => {
  const document = parseDocument(text, { lineCounter: new LineCounter(), uniqueKeys: true })
  const [error] = [...document.errors, ...document.warnings]
  if (error !== undefined) throw error
  return { ...(document.toJS() as Omit<Workflow, 'path' | 'text'>), path, text }
}

export const readWorkflows = (): readonly Workflow[] =>
  globSync('.github/workflows/*', { cwd: top })
    .sort()
    .map(path => parseWorkflow(path, readFileSync(join(top, path), 'utf8')))

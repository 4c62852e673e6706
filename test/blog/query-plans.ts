import assert from 'node:assert/strict'
import type { SQLInputValue } from 'node:sqlite'
import { testsDatabase } from '../environment.ts'
import type { SecondConnection } from '../sessions/second-connection.ts'

export type Query = { readonly sql: string; readonly parameters: readonly unknown[] }

/** Rows that are looked up by a page's ids are few. */
const isLookUp = ({ sql }: Query): boolean => /"\w+" in \([$?]/.test(sql)

/** How a database would answer a query. */
type Plan = {
  /** Every step, in words. */
  readonly steps: readonly string[]
  /** Tables that are read from one end to the other. */
  readonly scans: readonly string[]
  /** How many rows are sorted that no limit has cut before, as the database expects. */
  readonly sorted: number
}

/** A part of what `explain (format json)` of PostgreSQL says. */
type Node = {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Plan Rows': number
  readonly 'Presorted Key'?: readonly string[]
  readonly Plans?: readonly Node[]
}

const walk = (node: Node): readonly Node[] => [node, ...(node.Plans ?? []).flatMap(walk)]

/** Names and addresses stand in order already, and hardly two are the same: what is sorted then is one row. */
const isInOrder = ({ 'Presorted Key': keys = [] }: Node): boolean =>
  keys.some(key => /(username|email)_key/.test(key))

const isSortOfAll = (node: Node): boolean =>
  node['Node Type'].endsWith('Sort') &&
  !isInOrder(node) &&
  !walk(node).some(inner => inner['Node Type'] === 'Limit')

const readPostgres = (database: SecondConnection, { sql, parameters }: Query): Plan => {
  const [row] = database.rows(`explain (format json) ${sql}`, ...(parameters as SQLInputValue[]))
  const [{ Plan: root }] = (row ?? assert.fail())['QUERY PLAN'] as [{ Plan: Node }]
  const nodes = walk(root)
  return {
    steps: nodes.map(
      node =>
        `${node['Node Type']} ${node['Index Name'] ?? node['Relation Name'] ?? ''} ${node['Index Cond'] ?? ''}`,
    ),
    scans: nodes.flatMap(node => (node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [])),
    sorted: isLookUp({ sql, parameters })
      ? 0
      : Math.max(0, ...nodes.filter(isSortOfAll).map(node => node['Plan Rows'])),
  }
}

/** What stands there in a part with a limit is no more than a page. */
const readSqlite = (database: SecondConnection, { sql, parameters }: Query): Plan => {
  const plan = database.rows(`explain query plan ${sql}`, ...(parameters as SQLInputValue[]))
  const steps = plan.map(({ detail }) => String(detail))
  return {
    steps,
    scans: steps.filter(step =>
      /^SCAN (?!head|places|part|CONSTANT|sqlite_sequence|\(|\d)(?!.*USING (COVERING )?INDEX)/.test(step),
    ),
    sorted:
      steps.includes('USE TEMP B-TREE FOR ORDER BY') &&
      !isLookUp({ sql, parameters }) &&
      !/ limit \?\) as "/.test(sql)
        ? Number.POSITIVE_INFINITY
        : 0,
  }
}

export const readPlan = testsDatabase.kind === 'postgres' ? readPostgres : readSqlite

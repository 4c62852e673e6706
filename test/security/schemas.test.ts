import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

type Schema = Readonly<Record<string, unknown>>

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null

/** A pattern that ends with a count, or a format, bounds a text as well as a length does. */
const isBounded = ({ maxLength, pattern, format }: Schema): boolean =>
  maxLength !== undefined || /\{\d+\}\$$/.test(String(pattern)) || format !== undefined

/** What a schema leaves open, by its place. */
const findOpen = (schema: Schema, place: string): readonly string[] => {
  const types = [schema.type ?? []].flat()
  const fixed = 'enum' in schema || 'const' in schema
  const open = [
    ...(types.includes('string') && !fixed && !isBounded(schema) ? [`${place}: no maxLength`] : []),
    ...(types.includes('array') && !('maxItems' in schema) ? [`${place}: no maxItems`] : []),
    ...(types.includes('object') && schema.additionalProperties !== false
      ? [`${place}: unknown members`]
      : []),
  ]
  const inside = [
    ...Object.entries(schema.properties ?? {}),
    ...[schema.anyOf ?? [], schema.oneOf ?? [], schema.allOf ?? [], schema.items ?? []].flat().entries(),
  ]
  return [
    ...open,
    ...inside.flatMap(([name, part]) => (isSchema(part) ? findOpen(part, `${place}/${name}`) : [])),
  ]
}

test('every text and list that a caller sends has a bound, and every object takes its own members only', () => {
  const { routes } = t.app.routeTable
  const faults = routes.flatMap(({ method, url, schema }) =>
    [schema?.body, schema?.querystring, schema?.params].flatMap(part =>
      isSchema(part) ? findOpen(part, `${method} ${url}`) : [],
    ),
  )
  assert.ok(routes.length > 40)
  assert.deepEqual(faults, [])
})

test('no field and no column is a hint for a password or the answer to a secret question', async () => {
  const columns = (await t.engine.db.introspection.getTables()).flatMap(table =>
    table.columns.map(({ name }) => name),
  )
  const fields = JSON.stringify(t.app.routeTable.routes.map(({ schema }) => schema))
  assert.ok(columns.includes('password_hash'))
  assert.deepEqual(
    columns.filter(name => /hint|question|maiden/.test(name)),
    [],
  )
  assert.doesNotMatch(fields, /"\w*(hint|question|maiden)\w*":/)
})

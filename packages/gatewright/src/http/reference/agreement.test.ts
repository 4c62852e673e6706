import assert from 'node:assert/strict'
import { test } from 'node:test'
import { credentialPlacesOf } from '../../gate/credential.ts'
import { defaultSettings } from '../../ground/settings.ts'
import { everyone } from '../../permissions/access-rule.ts'
import type { DeclaredRoute } from '../route-table.ts'
import { checkAgreement } from './agreement.ts'
import { type OpenApi, toOpenApi } from './open-api.ts'

const route = (method: string, url: string, more: Partial<DeclaredRoute> = {}): DeclaredRoute => ({
  method,
  url,
  rule: { access: everyone(), limit: 'read', audit: 'none' },
  schema: {},
  reference: undefined,
  conditional: false,
  page: false,
  ...more,
})

const publicUrl = 'http://localhost:3000'
const settings = defaultSettings({})
const facts = { publicUrl, version: '1.0.0', settings, places: credentialPlacesOf(settings, publicUrl) }
const boats = [route('GET', '/boats'), route('HEAD', '/boats'), route('GET', '/boats/:id')]
const document = toOpenApi(boats, facts)

const withPaths = (paths: OpenApi['paths']): OpenApi => ({ ...document, paths })

test('a document made from the routes agrees with them', () => {
  checkAgreement(boats, document)
  assert.deepEqual(Object.keys(document.paths), ['/boats', '/boats/{id}'])
})

test('a route without an operation is named', () => {
  const { '/boats': list = {} } = document.paths
  assert.throws(
    () => checkAgreement(boats, withPaths({ '/boats': list })),
    /GET \/boats\/:id is a route without an operation/,
  )
})

test('an operation without a route is named', () => {
  assert.throws(
    () => checkAgreement(boats.slice(0, 2), document),
    /GET \/boats\/\{\} is an operation without/,
  )
})

test('two routes that are one operation to OpenAPI are both named', () => {
  const routes = [...boats, route('GET', '/boats/:name(^x)')]
  assert.throws(
    () => checkAgreement(routes, toOpenApi(routes, facts)),
    /GET \/boats\/:id and \/boats\/:name\(\^x\) are one operation of OpenAPI/,
  )
})

test('two operations with one id are refused', () => {
  const routes = [route('GET', '/my-boats'), route('GET', '/my/boats')]
  assert.throws(
    () => checkAgreement(routes, toOpenApi(routes, facts)),
    /two operations have the id getMyBoats/,
  )
})

test('pages, HEAD of a GET, and methods that OpenAPI does not know may be missing, and nothing else', () => {
  const leftOut = [route('GET', '/page', { page: true }), route('PROPFIND', '/boats')]
  checkAgreement([...boats, ...leftOut], toOpenApi([...boats, ...leftOut], facts))
  const alone = [route('HEAD', '/alone')]
  assert.throws(() => checkAgreement(alone, withPaths({})), /HEAD \/alone is a route without an operation/)
})

test('every parameter of a path stands in the document, also without a schema', () => {
  const { parameters } = toOpenApi([route('GET', '/a/:b/c/:d')], facts).paths['/a/{b}/c/{d}']?.get ?? {}
  assert.deepEqual(
    parameters?.map(({ name, in: place, required }) => [name, place, required]),
    [
      ['b', 'path', true],
      ['d', 'path', true],
    ],
  )
})

test('two schemas with one title stop the start', () => {
  const boat = (type: string) => ({ response: { 200: { title: 'Boat', type } } })
  const routes = [
    route('GET', '/a', { schema: boat('string') }),
    route('GET', '/b', { schema: boat('null') }),
  ]
  const same = [
    route('GET', '/a', { schema: boat('string') }),
    route('GET', '/b', { schema: boat('string') }),
  ]
  assert.throws(
    () =>
      toOpenApi([...routes, route('GET', '/c', { schema: { body: boat('integer').response[200] } })], facts),
    /two schemas have the title Boat/,
  )
  assert.deepEqual(Object.keys(toOpenApi(same, facts).components.schemas as object), ['Problem', 'Boat'])
})

test('a field that is called title is not taken for the title of a schema', () => {
  const properties = { title: { type: 'string' } }
  const schema = { body: { type: 'object', properties } }
  const { requestBody } = toOpenApi([route('POST', '/a', { schema })], facts).paths['/a']?.post ?? {}
  assert.deepEqual(requestBody?.content, {
    'application/json': { schema: { type: 'object', properties } },
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '../ground/clock.ts'
import {
  type AccessRule,
  allOf,
  anyOf,
  everyone,
  owner,
  ownSession,
  type PrincipalKind,
  permission,
  recentSignIn,
  role,
  secondFactor,
  signedIn,
  visible,
} from './access-rule.ts'
import { describeAccess } from './describe-access.ts'

const mayEdit = anyOf(owner('post'), permission('users:write'))

const rows: readonly {
  readonly access: AccessRule
  readonly principals?: readonly PrincipalKind[]
  readonly text: string
}[] = [
  { access: everyone(), text: 'everyone' },
  { access: signedIn(), principals: ['user'], text: 'signed in' },
  { access: mayEdit, text: 'owner of the post or permission users:write' },
  { access: role('moderator'), text: 'role moderator' },
  {
    access: allOf(mayEdit, recentSignIn(5 * minute), secondFactor()),
    text: '(owner of the post or permission users:write) and signed in within 5 minutes and a second factor shown',
  },
  {
    access: anyOf(allOf(signedIn(), secondFactor()), allOf(visible('post'))),
    text: '(signed in and a second factor shown) or the post is public',
  },
  {
    access: allOf(owner('todo'), anyOf(ownSession(), permission('users:write'))),
    text: "owner of the todo and (a user's own session or permission users:write)",
  },
  { access: anyOf(), text: 'nobody' },
  { access: allOf(), text: 'nobody' },
  {
    access: mayEdit,
    principals: ['user', 'api-key', 'client'],
    text: 'by users, API keys and OAuth clients: owner of the post or permission users:write',
  },
  { access: signedIn(), principals: ['api-key'], text: 'by API keys: signed in' },
  {
    access: anyOf(visible('post'), owner('post')),
    principals: ['user', 'api-key'],
    text: 'by users, API keys and callers without a credential: the post is public or owner of the post',
  },
]

for (const { access, principals, text } of rows)
  test(`who may use a route reads "${text}"`, () =>
    assert.equal(describeAccess({ access, ...(principals && { principals }) }), text))

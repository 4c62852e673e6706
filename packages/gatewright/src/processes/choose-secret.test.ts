import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSecret } from './choose-secret.ts'

const rows: readonly (readonly [title: string, inForce: string, lists: readonly string[], chosen: string])[] =
  [
    ['stays the only one', 'A', ['A', 'A'], 'A'],
    ['stays where one process lacks the newer', 'A', ['BA', 'A', 'BA'], 'A'],
    ['is the newer one where all hold it', 'A', ['BA', 'BA'], 'B'],
    ['is the newest of several that all hold', 'A', ['CBA', 'CBA'], 'C'],
    ['is the newer one that all hold, where some hold one newer still', 'A', ['CBA', 'BA'], 'B'],
    ['stays where one lists the new one behind', 'A', ['BA', 'AB'], 'A'],
    ['stays where all list the new one behind', 'A', ['AB', 'AB'], 'A'],
    ['stays where lists disagree about two new ones of which one is in force', 'B', ['CBA', 'BCA'], 'B'],
    ['goes back where all list the former one in front', 'B', ['AB', 'AB'], 'A'],
    ['stays where nobody holds it any more, which no start allows', 'X', ['BA', 'BA'], 'X'],
    ['stays where nobody is there', 'A', [], 'A'],
  ]
for (const [title, inForce, lists, chosen] of rows)
  test(`the secret in force ${title} (${inForce}: ${lists.join(', ') || 'none'})`, () => {
    assert.equal(
      chooseSecret(
        inForce,
        lists.map(list => [...list]),
      ),
      chosen,
    )
  })

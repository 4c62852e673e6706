import { after, before, describe } from 'node:test'
import { testsDatabase } from '../environment.ts'
import { findValkey, startValkey, type ValkeyServer } from '../servers/valkey.ts'
import { testStorePromises } from './store-promises.ts'
import { openSqlHome, openValkeyHome } from './stores.ts'

testStorePromises(`counters in ${testsDatabase.kind}, from three processes`, () => openSqlHome(3))

const found = await findValkey()

describe('with Valkey', { skip: typeof found === 'string' && found }, () => {
  let valkey: ValkeyServer
  before(async () => {
    valkey = await startValkey(typeof found === 'string' ? { path: '', env: {} } : found)
  })
  after(() => valkey.stop())

  testStorePromises('counters in Valkey, from three processes', () => openValkeyHome(valkey.url, 'one', 3))
})

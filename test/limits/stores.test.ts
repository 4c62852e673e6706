import { testsDatabase } from '../environment.ts'
import { testStorePromises } from './store-promises.ts'
import { openSqlHome } from './stores.ts'

testStorePromises(`counters in ${testsDatabase.kind}, from three processes`, () => openSqlHome(3))

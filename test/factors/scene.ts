import { after, before } from 'node:test'
import { startTestApp, type TestApp } from '../harness.ts'
import { keepHashesCheap } from '../models/cheap-passwords.ts'
import { openSecondConnection, type SecondConnection } from '../sessions/second-connection.ts'

export let t: TestApp
export let second: SecondConnection

/** One app for the tests of a file, whose hashes cost little, and a connection beside it. */
export const useScene = (): void => {
  before(async () => {
    t = await startTestApp()
    keepHashesCheap(t.engine.hasher)
    second = openSecondConnection(t.engine)
  })
  after(async () => {
    second.close()
    await t.close()
  })
}

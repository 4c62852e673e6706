import { openVerifier, type Verifier } from '../../packages/verifier/src/open-verifier.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { findFreePort } from '../process/free-port.ts'

export type Listening = TestApp & { readonly issuer: string }

/** The test application, listening at the address that it calls itself. */
export const startListening = async (
  settings: Parameters<typeof startTestApp>[0] = {},
): Promise<Listening> => {
  const port = await findFreePort()
  const issuer = `http://127.0.0.1:${port}`
  const app = await startTestApp({ publicUrl: issuer, ...settings })
  await app.app.listen({ host: '127.0.0.1', port })
  return { ...app, issuer }
}

/** A verifier by the clock of the test application, and why it was told no. */
export const openFor = (
  issuer: string,
  {
    clock,
    ...more
  }: Pick<TestApp, 'clock'> & {
    readonly audience?: string
    readonly maxAge?: number
    readonly mostCutOffs?: number
  },
): Verifier & { readonly faults: readonly string[] } => {
  const faults: string[] = []
  const verifier = openVerifier({
    issuer,
    audience: issuer,
    maxAge: 5_000,
    mostCutOffs: 1_000,
    onFault: error => void faults.push(error.message),
    clock: { wall: clock.now, monotonic: clock.monotonic },
    ...more,
  })
  return { ...verifier, faults }
}

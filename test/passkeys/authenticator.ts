import type { CDPSession, Page } from 'playwright-core'

/** The authenticator that Chromium itself simulates, as if it were built into the machine. */
export type BrowserAuthenticator = {
  /** What its user does when asked for a finger: shows it, or another one. */
  readonly setVerified: (isVerified: boolean) => Promise<void>
  /** Forgets everything that it holds. */
  readonly clear: () => Promise<void>
  /** The counter of each passkey that it holds goes back to this. */
  readonly turnBack: (count: number) => Promise<void>
  readonly count: () => Promise<number>
}

const open = async (client: CDPSession): Promise<string> => {
  await client.send('WebAuthn.enable')
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return authenticatorId
}

/** Gives the page an authenticator; without one Chromium would wait for a real one. */
export const giveAuthenticator = async (page: Page): Promise<BrowserAuthenticator> => {
  const client = await page.context().newCDPSession(page)
  const authenticatorId = await open(client)
  const list = async () => (await client.send('WebAuthn.getCredentials', { authenticatorId })).credentials
  return {
    setVerified: async isUserVerified => {
      await client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    },
    clear: async () => {
      await client.send('WebAuthn.clearCredentials', { authenticatorId })
    },
    turnBack: async signCount => {
      const held = await list()
      await client.send('WebAuthn.clearCredentials', { authenticatorId })
      for (const credential of held)
        await client.send('WebAuthn.addCredential', {
          authenticatorId,
          credential: { ...credential, signCount },
        })
    },
    count: async () => (await list()).length,
  }
}

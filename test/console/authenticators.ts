import type { Page } from 'playwright-core'

/** A device or key that makes passkeys, as Chromium has one for tests. */
export type Authenticator = {
  /** Its owner refuses, or is somebody else. */
  readonly refuse: () => Promise<void>
  /** It is lost, with all that it knows. */
  readonly lose: () => Promise<void>
}

/** Gives the page an authenticator that is touched at once and knows its owner. */
export const addAuthenticator = async (page: Page): Promise<Authenticator> => {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    refuse: async () => {
      await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    },
    lose: async () => {
      await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    },
  }
}

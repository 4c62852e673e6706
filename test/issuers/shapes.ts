/** What the access tokens of products look like: header and claims, as each writes them. */
export type Shape = {
  /** The heading of docs/trusted-issuers.md, where several shapes are taken by one example. */
  readonly heading?: string
  /** What the page says to write otherwise for it; undefined: left out. */
  readonly changed?: Readonly<Record<string, unknown>>
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** The ID token that the same sign-in gives. */
  readonly idToken: {
    readonly header: Readonly<Record<string, unknown>>
    readonly claims: Readonly<Record<string, unknown>>
  }
  /** How its key set lists a key. */
  readonly jwk: Readonly<Record<string, unknown>>
  readonly lifetime: number
  /** What the token may do by the example's mapping. */
  readonly permissions: readonly string[]
}

const auth0 = {
  sub: 'auth0|6553da60a54af58e29493993',
  aud: ['https://api.example.org', 'https://example.eu.auth0.com/userinfo'],
  scope: 'openid profile',
  permissions: ['read:users', 'write:posts', 'delete:everything'],
}
const auth0Id = { sub: auth0.sub, aud: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja', sid: 'x' }

const entra = {
  oid: '1b2c3d4e-0000-4000-8000-1234567890ab',
  sub: 'pairwise-AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  tid: '9f1e5a5c-0d2f-4a58-9c5a-2f5f6a1c7d11',
  uti: 'Ee0000000000000000000g',
  rh: '0.A',
}

/** By the heading of docs/trusted-issuers.md. */
export const shapes: Readonly<Record<string, Shape>> = {
  Auth0: {
    header: { alg: 'RS256', typ: 'at+jwt' },
    claims: { ...auth0, client_id: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja', jti: '73WakrfVbNJBaAmhQtEeDv' },
    idToken: { header: { alg: 'RS256', typ: 'JWT' }, claims: auth0Id },
    jwk: { alg: 'RS256', x5c: ['MIIC'], x5t: 'x' },
    lifetime: 3_600,
    permissions: ['posts:write', 'users:read'],
  },
  'Auth0, its own profile': {
    heading: 'Auth0',
    changed: { token_type: 'JWT_WHICH_ID_TOKENS_HAVE_AS_WELL' },
    header: { alg: 'RS256', typ: 'JWT' },
    claims: { ...auth0, azp: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja' },
    idToken: { header: { alg: 'RS256', typ: 'JWT' }, claims: auth0Id },
    jwk: { alg: 'RS256', x5c: ['MIIC'], x5t: 'x' },
    lifetime: 3_600,
    permissions: ['posts:write', 'users:read'],
  },
  Okta: {
    header: { alg: 'RS256' },
    claims: {
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      aud: 'api://default',
      sub: 'alice@example.org',
      uid: '00uid4BxXw6I6TV4m0g3',
      cid: '0oabskvc6442nkvQO0h7',
      scp: ['openid', 'users.read'],
      auth_time: 1_700_000_000,
    },
    idToken: {
      header: { alg: 'RS256' },
      claims: {
        ver: 1,
        sub: '00uid4BxXw6I6TV4m0g3',
        aud: '0oabskvc6442nkvQO0h7',
        jti: 'ID.x',
        amr: ['pwd'],
        idp: '00o1',
        at_hash: 'preview_at_hash',
      },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
  'Okta, a program that acts for itself': {
    heading: 'Okta',
    changed: { subject_from: undefined },
    header: { alg: 'RS256' },
    claims: {
      ver: 1,
      jti: 'AT.x',
      aud: 'api://default',
      sub: '0oabskvc6442nkvQO0h7',
      cid: '0oabskvc6442nkvQO0h7',
      scp: ['users.read'],
    },
    idToken: {
      header: { alg: 'RS256' },
      claims: { ver: 1, sub: '0oabskvc6442nkvQO0h7', aud: 'api://default', amr: ['pwd'] },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
  'Microsoft Entra': {
    header: { typ: 'JWT', alg: 'RS256' },
    claims: {
      ...entra,
      aud: '6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
      nbf: 'iat',
      aio: 'AXQAi/8IAAAA',
      azp: '11111111-2222-4333-8444-555555555555',
      azpacr: '0',
      scp: 'Users.Read Other.Thing',
      ver: '2.0',
    },
    idToken: {
      header: { typ: 'JWT', alg: 'RS256' },
      // As where the program and the API are registered as one, which the page says not to do.
      claims: {
        ...entra,
        aud: '6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
        ver: '2.0',
        nbf: 'iat',
        roles: ['Reader'],
      },
    },
    jwk: { x5t: 'x', x5c: ['MIIC'] },
    lifetime: 5_399,
    permissions: ['users:read'],
  },
  'Microsoft Entra, a program that acts for itself': {
    heading: 'Microsoft Entra',
    header: { typ: 'JWT', alg: 'RS256' },
    claims: {
      ...entra,
      aud: '6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
      nbf: 'iat',
      azp: '11111111-2222-4333-8444-555555555555',
      azpacr: '1',
      roles: ['Posts.Write.All', 'Users.Read'],
      ver: '2.0',
    },
    idToken: {
      header: { typ: 'JWT', alg: 'RS256' },
      claims: { ...entra, aud: '11111111-2222-4333-8444-555555555555', ver: '2.0', nbf: 'iat' },
    },
    jwk: { x5t: 'x', x5c: ['MIIC'] },
    lifetime: 3_899,
    permissions: ['posts:write'],
  },
  'Microsoft Entra, version 1': {
    header: { typ: 'JWT', alg: 'RS256', x5t: 'nbCwW11w3XkB-xUaXwKRSLjMHGQ' },
    claims: {
      ...entra,
      aud: 'api://6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
      nbf: 'iat',
      acr: '1',
      amr: ['pwd', 'mfa'],
      appid: '11111111-2222-4333-8444-555555555555',
      appidacr: '0',
      scp: 'Users.Read',
      ver: '1.0',
    },
    idToken: {
      header: { typ: 'JWT', alg: 'RS256', x5t: 'nbCwW11w3XkB-xUaXwKRSLjMHGQ' },
      claims: {
        ...entra,
        aud: 'api://6b6ab4a2-11f5-4d0c-8a3f-7f4c9e0d2a55',
        ver: '1.0',
        nbf: 'iat',
        roles: ['Reader'],
      },
    },
    jwk: { x5t: 'x' },
    lifetime: 4_500,
    permissions: ['users:read'],
  },
  Keycloak: {
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      jti: 'onrtac:71f150d0-41f6-11e7-a49f-4943fdcbc832',
      aud: ['account', 'blog-api'],
      sub: '71f150d0-41f6-11e7-a49f-4943fdcbc832',
      typ: 'Bearer',
      azp: 'web',
      sid: '2cdaa7e4-7a24-4a2c-a8b9-f6bfa1f5bcd4',
      acr: '1',
      'allowed-origins': ['https://www.example.org'],
      realm_access: { roles: ['reader', 'offline_access', 'uma_authorization'] },
      resource_access: { account: { roles: ['manage-account'] } },
      scope: 'openid profile email',
      preferred_username: 'alice',
    },
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: {
        aud: 'blog-api',
        sub: '71f150d0-41f6-11e7-a49f-4943fdcbc832',
        typ: 'ID',
        azp: 'web',
        realm_access: { roles: ['reader'] },
      },
    },
    jwk: { alg: 'RS256', x5c: ['MIIC'], 'x5t#S256': 'x' },
    lifetime: 300,
    permissions: ['users:read'],
  },
  'Keycloak, with at+jwt': {
    heading: 'Keycloak',
    changed: { token_type: undefined, required_claims: undefined },
    header: { alg: 'RS256', typ: 'at+jwt' },
    claims: {
      aud: 'blog-api',
      sub: '71f150d0-41f6-11e7-a49f-4943fdcbc832',
      typ: 'Bearer',
      azp: 'web',
      realm_access: { roles: ['reader'] },
    },
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: { aud: 'blog-api', sub: 'x', typ: 'ID', azp: 'web', realm_access: { roles: ['reader'] } },
    },
    jwk: { alg: 'RS256' },
    lifetime: 300,
    permissions: ['users:read'],
  },
  'Google service accounts': {
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      aud: 'https://api.example.org',
      azp: '112233445566778899001',
      email: 'nightly@example-project.iam.gserviceaccount.com',
      email_verified: true,
      sub: '112233445566778899001',
    },
    // Of a person who has signed in to a program.
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: {
        aud: '1234-example.apps.googleusercontent.com',
        azp: '1234-example.apps.googleusercontent.com',
        sub: '112233445566778899001',
        at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
  'Another Gatewright, or anybody who keeps to RFC 9068': {
    header: { alg: 'RS256', typ: 'at+jwt' },
    claims: {
      aud: 'https://api.example.org',
      sub: 'anExampleOfAnIdOfOurs_',
      client_id: 'first-party',
      jti: 'x',
      sid: 'x.1',
      auth_time: 1_700_000_000,
      amr: ['pwd'],
      roles: ['user', 'admin'],
    },
    idToken: {
      header: { alg: 'RS256', typ: 'JWT' },
      claims: { aud: 'https://api.example.org', sub: 'anExampleOfAnIdOfOurs_', roles: ['user'] },
    },
    jwk: { alg: 'RS256' },
    lifetime: 600,
    permissions: ['users:read'],
    changed: { algorithms: ['RS256'] },
  },
  'Amazon Cognito': {
    header: { alg: 'RS256' },
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['admin'],
      client_id: '7lhlkkfbfb4q5kpp90urffao',
      origin_jti: 'dddddddd-5555-6666-7777-000000000000',
      event_id: 'cccccccc-1111-2222-3333-444444444444',
      token_use: 'access',
      scope: 'openid blog/users.read',
      auth_time: 1_700_000_000,
      jti: 'aaaaaaaa-5555-4444-3333-000000000000',
      username: 'alice',
    },
    idToken: {
      header: { alg: 'RS256' },
      claims: {
        sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
        aud: '7lhlkkfbfb4q5kpp90urffao',
        token_use: 'id',
        'cognito:username': 'alice',
      },
    },
    jwk: { alg: 'RS256' },
    lifetime: 3_600,
    permissions: ['users:read'],
  },
}

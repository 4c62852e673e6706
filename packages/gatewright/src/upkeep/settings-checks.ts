import { productionErrors, productionReasons } from '../ground/production-rules.ts'
import { hasHostName } from '../passkeys/relying-party.ts'
import type { MachineFacts, SettingsFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

type Loaded = Pick<SettingsFacts, 'settings' | 'sources'>

export const checkSettings = ({ settingsProblems }: Pick<MachineFacts, 'settingsProblems'>): Finding => {
  if (settingsProblems.length === 0) return ok('every setting is valid')
  return problem({
    found: settingsProblems.join('; '),
    means: 'The server does not start.',
    do: 'Mend what each line says; docs/settings.md lists every setting.',
  })
}

export const checkProductionRules = ({ settings, sources }: Loaded): Finding => {
  const reasons = productionReasons(settings)
  if (reasons.length === 0) return ok('they do not hold: this machine only can reach the server')
  const errors = productionErrors(settings, sources)
  if (errors.length === 0) return ok(`they hold, none is broken: ${reasons.join(' and ')}`)
  return problem({
    found: errors.join('; '),
    means: 'The server does not start.',
    do: 'Mend what each line says, or let the server be reached from this machine only.',
  })
}

export const checkLimits = ({ settings: { limits, limitsScale } }: Loaded): Finding => {
  if (limits === 'off')
    return warning({
      found: 'LIMITS=off',
      means: 'Passwords can be guessed as fast as the machine allows.',
      do: 'Write LIMITS=on, or remove the setting.',
    })
  if (limitsScale <= 1) return ok(limitsScale === 1 ? 'on' : `on, every limit × ${limitsScale}`)
  return warning({
    found: `LIMITS_SCALE=${limitsScale}`,
    means: `Every limit is ${limitsScale} times as large, also for guessing passwords.`,
    do: 'Write LIMITS_SCALE=1, or remove the setting.',
  })
}

export const checkRegistration = ({ settings }: Loaded): Finding => {
  const { registration } = settings
  if (registration !== 'open' || productionReasons(settings).length === 0) return ok(registration)
  return warning({
    found: 'REGISTRATION=open, and others can reach the server',
    means: 'Every stranger can make a user and write.',
    do: 'Write REGISTRATION=closed, unless strangers are meant to register.',
  })
}

export const checkAdministrators = ({ settings }: Loaded): Finding => {
  const isReached = productionReasons(settings).length > 0
  const { adminSecondFactor = isReached ? 'required' : 'off' } = settings
  if (adminSecondFactor === 'required' || !isReached) return ok(`ADMIN_SECOND_FACTOR is ${adminSecondFactor}`)
  return warning({
    found: 'ADMIN_SECOND_FACTOR=off, and others can reach the server',
    means: 'Whoever has the password of an administrator can do everything.',
    do: 'Remove the setting. Administrators without a second factor can still sign in, and add one.',
  })
}

/** How PUBLIC_URL and what really answers can disagree. */
const disagreements: readonly {
  readonly holds: (settings: Loaded['settings']) => boolean
  readonly find: () => Finding
}[] = [
  {
    holds: ({ publicUrl, tls }) => publicUrl?.startsWith('http://') === true && tls !== 'off',
    find: () =>
      problem({
        found: 'PUBLIC_URL is http, and the server speaks TLS',
        means: 'Links and origin checks name another address than people use: browsers can not sign in.',
        do: 'Write PUBLIC_URL with https://, or TLS=off.',
      }),
  },
  {
    holds: ({ publicUrl, tls, trustedProxies }) =>
      publicUrl?.startsWith('https://') === true && tls === 'off' && trustedProxies.length === 0,
    find: () =>
      warning({
        found: 'PUBLIC_URL is https, but the server speaks plain HTTP and TRUSTED_PROXIES names no proxy',
        means:
          'Nothing here gives https; behind a proxy, all its callers count as one address and share its limits.',
        do: 'Write TRUSTED_PROXIES=<address of the proxy>, or TLS=files with a certificate.',
      }),
  },
  {
    holds: ({ publicUrl }) => publicUrl !== undefined && !hasHostName(publicUrl),
    find: () =>
      warning({
        found: 'PUBLIC_URL names an IP address',
        means: 'Browsers make no passkeys for it: nobody can add one or sign in with one.',
        do: 'Write PUBLIC_URL with a name, such as http://localhost:3000.',
      }),
  },
]

export const checkAddress = ({ settings }: Loaded): Finding => {
  const { publicUrl, tls } = settings
  const found = `PUBLIC_URL ${publicUrl ?? 'follows HOST and PORT'}, TLS=${tls}`
  return disagreements.find(({ holds }) => holds(settings))?.find() ?? ok(found)
}

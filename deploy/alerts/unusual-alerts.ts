import { type PatternName, patternNames, patternOf } from '../../packages/gatewright/src/unusual/patterns.ts'
import type { Alert } from './alert.ts'

const toName = (pattern: PatternName): string =>
  pattern
    .split('-')
    .map(word => `${word[0]?.toUpperCase()}${word.slice(1)}`)
    .join('')

const todo: Readonly<Record<PatternName, string>> = {
  'many-failures':
    'Its user was told. Look whether one address or many guess (`sign-in.failed`); a single one can be stopped at the proxy.',
  'one-password-many-users':
    'Somebody has a list of your names. Read who signed in since on a new device (`unusual.new-device`, `unusual.success-after-failures`), and ask those for a new password.',
  'many-users-one-address':
    'The event has the address: stop it at the proxy. Read who signed in from there (`session.started`), and end those sessions.',
  'new-device':
    'Each owner was told. On the first day of a new address of the installation it is usual. Else compare with `gatewright_sign_ins_total{result="failed"}`: passwords that leaked elsewhere succeed seldom, and from few addresses.',
  'success-after-failures':
    'Ask the user, who was told as well. Where it was somebody else: `gatewright user end-sessions`, and a new password.',
  'wrong-factor':
    'Each user was told that somebody has the password. Look whether the addresses are the same.',
  'refresh-reuse':
    'Each session has ended. Many at once are a client that keeps old tokens, or answers that are lost on the way.',
  'administrator-from-new-network':
    'Ask the administrator. Where it was somebody else: `gatewright user end-sessions`, `user reset-factors`, and look at what was done since.',
}

const seriesOf = (pattern: PatternName): string => `gatewright_unusual_sign_ins_total{pattern="${pattern}"}`

/** Steady in an hour, as many as are told, and as many as are not. */
const playOf = (above: number) =>
  above === 0 ? { fires: '0x25 1x40', quiet: '1x60' } : { fires: `0+${above}x60`, quiet: '0x25 1x40' }

const toAlert = (pattern: PatternName): Alert => {
  const { looksFor, alertAbove, severity } = patternOf(pattern)
  const { fires, quiet } = playOf(alertAbove)
  return {
    name: `GatewrightUnusual${toName(pattern)}`,
    expr: `sum(increase(${seriesOf(pattern)}[1h])) > ${alertAbove}`,
    for: '0m',
    severity: severity === 'critical' ? 'page' : 'ticket',
    means: looksFor,
    do: `Read the audit log for \`unusual.${pattern}\`. ${todo[pattern]}`,
    fires: { series: { [seriesOf(pattern)]: fires } },
    quiet: { [seriesOf(pattern)]: quiet },
  }
}

/** One for each pattern of unusual sign-ins. */
export const unusualAlerts: readonly Alert[] = patternNames.map(toAlert)

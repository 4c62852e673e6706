import { Badge } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ApiKey } from '../api/key-answers.ts'
import { Row } from '../frame/rows.tsx'
import type { TextName } from '../texts/en.ts'
import { useTexts } from '../texts/use-texts.tsx'

const states = {
  live: 'keyLive',
  replaced: 'keyReplaced',
  expired: 'keyExpired',
  ended: 'keyEnded',
} as const satisfies Readonly<Record<ApiKey['state'], TextName>>

/** Whether it opens anything still. */
export const isOpen = ({ state }: ApiKey): boolean => state === 'live' || state === 'replaced'

/** What is known of a key, in sentences. */
const useLines = (key: ApiKey): readonly string[] => {
  const { text, time } = useTexts()
  const { expires_at: end, last_used_at: last, last_used_address: from, allowed_addresses: allowed } = key
  return [
    `${key.prefix}…`,
    key.permissions.join(', ') || text('keyAllowsNothing'),
    ...(allowed.length > 0 ? [text('keyOnlyFrom', { addresses: allowed.join(', ') })] : []),
    end === null ? text('keyForever') : text('opensUntil', { time: time(end) }),
    last === null ? text('neverUsed') : text('keyUsed', { time: time(last), address: from ?? '' }),
  ]
}

type KeyRowProps = {
  readonly apiKey: ApiKey
  /** Whose it is, where keys of several are shown. */
  readonly owner?: ReactNode
  readonly children?: ReactNode
}

/** One key, and what can be done with it. */
export const KeyRow = ({ apiKey, owner, children }: KeyRowProps) => {
  const { text } = useTexts()
  const lines = useLines(apiKey)
  return (
    <Row
      title={apiKey.name}
      badges={
        <>
          <Badge variant="light" color={apiKey.state === 'live' ? 'green' : 'gray'}>
            {text(states[apiKey.state])}
          </Badge>
          {owner}
        </>
      }
      lines={lines}
    >
      {children}
    </Row>
  )
}

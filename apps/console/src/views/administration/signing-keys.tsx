import { Badge, Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Changes, type Making, useChanges } from '../../administration/changes.tsx'
import type { Rotation, SigningKey } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Loaded } from '../../forms/loaded.tsx'
import { Row, RowButton, Rows } from '../../frame/rows.tsx'
import type { TextName } from '../../texts/en.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** The keys that sign access tokens: the next one takes its turn, and one that leaked is revoked. */
export const SigningKeys = () => {
  const { text, time } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const keys = useQuery({ queryKey: ['signing-keys'], queryFn: admin.listSigningKeys })
  const tell = (answer: unknown): string => {
    const { rotates_at: at } = answer as Rotation
    return at === null ? text('signingRotated') : text('signingRotates', { time: time(at) })
  }
  return (
    <>
      <Text c="dimmed">{text('signingIntro')}</Text>
      <Changes of={changes} />
      <Loaded query={keys}>
        {found => (
          <Rows label={text('signingTitle')} items={found} none={text('signingNone')}>
            {key => <KeyRow key={key.kid} signingKey={key} changes={changes} />}
          </Rows>
        )}
      </Loaded>
      <div>
        <Button
          variant="default"
          disabled={changes.changing.isPending}
          onClick={() => changes.make({ run: admin.rotateSigningKeys, done: tell })}
        >
          {text('signingRotate')}
        </Button>
      </div>
    </>
  )
}

const states = {
  published: { name: 'signingPublished', color: 'blue' },
  active: { name: 'signingActive', color: 'green' },
  retired: { name: 'signingRetired', color: 'gray' },
  gone: { name: 'signingGone', color: 'gray' },
} as const satisfies Readonly<
  Record<SigningKey['state'], { readonly name: TextName; readonly color: string }>
>

type KeyRowProps = { readonly signingKey: SigningKey; readonly changes: Making }

const KeyRow = ({ signingKey, changes }: KeyRowProps) => {
  const { text, time } = useTexts()
  const { admin } = useApi()
  const { kid, algorithm, state, published_at: made, revoked_at: revoked } = signingKey
  const { name, color } = states[state]
  const revoke = (): void =>
    changes.ask({
      title: text('signingRevokeOf', { kid }),
      ends: [text('signingRevokeEnds'), text('signingRevokeKeeps'), text('keyRevokeLast')],
      submit: text('keyRevoke'),
      toChange: () => ({ run: () => admin.revokeSigningKey(kid), done: text('signingRevoked', { kid }) }),
    })
  return (
    <Row
      title={<code>{kid}</code>}
      badges={
        <Badge variant="light" color={color}>
          {text(name)}
        </Badge>
      }
      lines={[
        `${algorithm} · ${text('madeAt', { time: time(made) })}`,
        ...(revoked === null ? [] : [text('signingRevokedAt', { time: time(revoked) })]),
      ]}
    >
      {state !== 'gone' && (
        <RowButton ends label={text('signingRevokeOf', { kid })} onClick={revoke}>
          {text('keyRevoke')}
        </RowButton>
      )}
    </Row>
  )
}

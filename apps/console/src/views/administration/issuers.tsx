import { Badge, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Changes, type Making, useChanges } from '../../administration/changes.tsx'
import type { Issuer } from '../../api/installation-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Loaded } from '../../forms/loaded.tsx'
import { Row, RowButton, Rows } from '../../frame/rows.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

/** Other servers whose access tokens are taken: what they may at most, and the way to refuse all of them. */
export const Issuers = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const issuers = useQuery({ queryKey: ['issuers'], queryFn: admin.listIssuers })
  return (
    <>
      <Text c="dimmed">{text('issuersIntro')}</Text>
      <Changes of={changes} />
      <Loaded query={issuers}>
        {found => (
          <Rows label={text('issuersTitle')} items={found} none={text('noneOfThem')}>
            {issuer => (
              <IssuerRow key={issuer.issuer} issuer={issuer}>
                <IssuerAction issuer={issuer} changes={changes} />
              </IssuerRow>
            )}
          </Rows>
        )}
      </Loaded>
    </>
  )
}

/** What is known of one, in sentences. Troubles and warnings are the server's own, in English. */
const useLines = (issuer: Issuer): readonly string[] => {
  const { text, time } = useTexts()
  const { audience, algorithms, permissions, linked, local_user: localUser } = issuer
  const may =
    permissions.length > 0
      ? text('issuerMay', { permissions: permissions.join(', ') })
      : text('issuerMayNothing')
  const keys =
    issuer.keys_read_at === null
      ? text('issuerKeysUnread')
      : text('issuerKeysRead', { time: time(issuer.keys_read_at) })
  return [
    ...(audience === null
      ? []
      : [`${text('issuerFor', { audience })} · ${algorithms.join(', ')}`, may, keys]),
    text(localUser === 'required' ? 'issuerNeedsUser' : 'issuerLinked', { count: linked }),
    ...(issuer.keys_trouble === null ? [] : [text('issuerKeysTrouble', { trouble: issuer.keys_trouble })]),
    ...issuer.warnings,
  ]
}

type IssuerRowProps = { readonly issuer: Issuer; readonly children: ReactNode }

const IssuerRow = ({ issuer, children }: IssuerRowProps) => {
  const { text } = useTexts()
  const lines = useLines(issuer)
  return (
    <Row
      title={issuer.issuer}
      badges={
        <>
          {issuer.blocked_at !== null && (
            <Badge variant="light" color="red">
              {text('issuerBlocked')}
            </Badge>
          )}
          {!issuer.in_settings && (
            <Badge variant="light" color="gray">
              {text('issuerUnnamed')}
            </Badge>
          )}
        </>
      }
      lines={lines}
    >
      {children}
    </Row>
  )
}

type IssuerActionProps = { readonly issuer: Issuer; readonly changes: Making }

const IssuerAction = ({ issuer: { issuer, blocked_at: blockedAt }, changes }: IssuerActionProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const unblock = {
    run: () => admin.changeIssuer('unblock', issuer),
    done: text('issuerIsUnblocked', { issuer }),
  }
  const ask = (): void =>
    changes.ask({
      title: text('issuerBlockOf', { issuer }),
      ends: [text('issuerBlockEnds'), text('issuerBlockBack')],
      submit: text('issuerBlock'),
      toChange: () => ({
        run: () => admin.changeIssuer('block', issuer),
        done: text('issuerIsBlocked', { issuer }),
        undo: unblock,
      }),
    })
  return blockedAt === null ? (
    <RowButton ends label={text('issuerBlockOf', { issuer })} onClick={ask}>
      {text('issuerBlock')}
    </RowButton>
  ) : (
    <RowButton label={text('issuerUnblockOf', { issuer })} onClick={() => changes.make(unblock)}>
      {text('issuerUnblock')}
    </RowButton>
  )
}

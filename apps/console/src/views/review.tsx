import { Button, Group, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { Factors, Passkey } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import styles from '../factors/factor-list.module.css'
import { Section } from '../factors/section.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { ProblemNotice } from '../forms/problem-notice.tsx'
import { Rows } from '../frame/rows.tsx'
import { KeyRow } from '../keys/key-row.tsx'
import { navigate, readMemory } from '../router.ts'
import { useSessionChanged, useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/**
 * Shown first to whoever comes back by a new password: what a stranger may have added meanwhile outlives the
 * reset, so its owner looks at it.
 */
export const Review = () => {
  const { text } = useTexts()
  const api = useApi()
  const { id } = useUser()
  const sessionChanged = useSessionChanged()
  const noteReview = useMutation({
    mutationFn: async () => {
      await api.noteReview()
      await sessionChanged()
      navigate(readMemory().from ?? '/me', { replace: true })
    },
  })
  const factors = useQuery({ queryKey: ['factors', id], queryFn: api.findFactors })
  const passkeys = useQuery({ queryKey: ['passkeys', id], queryFn: api.listPasskeys })
  const keys = useQuery({ queryKey: ['api-keys', id], queryFn: api.listKeys })
  return (
    <>
      <Text>{text('reviewIntro')}</Text>
      <Section title={text('reviewFactors')}>
        <Loaded query={passkeys}>
          {found => (
            <Loaded query={factors}>{known => <FactorNames passkeys={found} factors={known} />}</Loaded>
          )}
        </Loaded>
      </Section>
      <Section title={text('reviewKeys')}>
        <Text c="dimmed">{text('reviewEnded')}</Text>
        <Loaded query={keys}>
          {found => (
            <Rows label={text('reviewKeys')} items={found} none={text('keysNone')}>
              {key => <KeyRow key={key.id} apiKey={key} />}
            </Rows>
          )}
        </Loaded>
      </Section>
      <ProblemNotice error={noteReview.error} />
      <Group>
        <Button loading={noteReview.isPending} onClick={() => noteReview.mutate()}>
          {text('reviewYes')}
        </Button>
        <Button variant="default" onClick={() => navigate('/me/security', { replace: true })}>
          {text('reviewNo')}
        </Button>
      </Group>
    </>
  )
}

type FactorNamesProps = { readonly passkeys: readonly Passkey[]; readonly factors: Factors }

const FactorNames = ({ passkeys, factors: { totp, recovery_codes: codes, methods } }: FactorNamesProps) => {
  const { text } = useTexts()
  if (methods.length === 0) return <Text>{text('reviewNothing')}</Text>
  return (
    <ul className={styles.list}>
      {passkeys.map(({ id, name, created_at: at }) => (
        <FactorName key={id} name={name} at={at} />
      ))}
      {totp && <FactorName name={text('authenticator')} at={totp.created_at} />}
      <li className={styles.row}>{text('recoveryLeft', { left: codes.left })}</li>
    </ul>
  )
}

const FactorName = ({ name, at }: { readonly name: string; readonly at: string }) => {
  const { text, time } = useTexts()
  return (
    <li className={styles.row}>
      <div className={styles.about}>
        <span className={styles.name}>{name}</span>
        <Text size="sm" c="dimmed">
          {text('addedAt', { time: time(at) })}
        </Text>
      </div>
    </li>
  )
}

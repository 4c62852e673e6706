import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { NewFactor } from '../api/answers.ts'
import { useApi } from '../api/use-api.ts'
import { Authenticator } from '../factors/authenticator.tsx'
import { EndOthersOffer } from '../factors/end-others-offer.tsx'
import { Passkeys } from '../factors/passkeys.tsx'
import { RecoveryCodeList } from '../factors/recovery-code-list.tsx'
import { RecoveryCodes } from '../factors/recovery-codes.tsx'
import { AskRemoval, type Removal, RemovalOutcome, useRemoveFactor } from '../factors/remove-factor.tsx'
import { WaitingPermissions } from '../factors/waiting-permissions.tsx'
import { Loaded } from '../forms/loaded.tsx'
import { Done } from '../forms/notice.tsx'
import { focusHeading } from '../frame/focus.ts'
import { useUser } from '../session.ts'
import { useTexts } from '../texts/use-texts.tsx'

/** What the page shows: all factors, or the codes of which this is the only time that anybody sees them. */
type Shown =
  | { readonly what: 'all'; readonly after?: 'added' | 'others-ended' }
  | { readonly what: 'codes'; readonly codes: readonly string[]; readonly isFirst: boolean }

/** Factors beside the password. */
export const Security = () => {
  const { text } = useTexts()
  const [shown, setShown] = useState<Shown>({ what: 'all' })
  const show = (next: Shown): void => {
    setShown(next)
    focusHeading()
  }
  if (shown.what === 'codes')
    return (
      <RecoveryCodeList
        codes={shown.codes}
        onKept={() => show({ what: 'all', ...(shown.isFirst && { after: 'added' }) })}
      />
    )
  const showAdded = ({ recovery_codes: codes }: NewFactor): void =>
    show(codes ? { what: 'codes', codes, isFirst: true } : { what: 'all', after: 'added' })
  const showEnded = (areEnded: boolean): void =>
    show({ what: 'all', ...(areEnded && { after: 'others-ended' }) })
  return (
    <>
      <WaitingPermissions />
      <Text c="dimmed">{text('securityIntro')}</Text>
      {shown.after === 'added' && <EndOthersOffer onDone={showEnded} />}
      {shown.after === 'others-ended' && <Done>{text('othersEnded')}</Done>}
      <AllFactors onAdded={showAdded} onRenewed={codes => show({ what: 'codes', codes, isFirst: false })} />
    </>
  )
}

type Changes = {
  readonly onAdded: (added: NewFactor) => void
  readonly onRenewed: (codes: readonly string[]) => void
}

const AllFactors = ({ onAdded, onRenewed }: Changes) => {
  const { text } = useTexts()
  const api = useApi()
  const { id } = useUser()
  const factors = useQuery({ queryKey: ['factors', id], queryFn: api.findFactors })
  const passkeys = useQuery({ queryKey: ['passkeys', id], queryFn: api.listPasskeys })
  const [removal, setRemoval] = useState<Removal>()
  const removing = useRemoveFactor()
  const answer = (isYes: boolean): void => {
    if (isYes && removal) removing.mutate(removal)
    setRemoval(undefined)
  }
  return (
    <>
      <RemovalOutcome removing={removing} />
      <AskRemoval removal={removal} onAnswer={answer} />
      <Loaded query={passkeys}>
        {found => (
          <Passkeys
            passkeys={found}
            onAdded={onAdded}
            onRemove={({ id, name }) => setRemoval({ name, remove: () => api.removePasskey(id) })}
          />
        )}
      </Loaded>
      <Loaded query={factors}>
        {({ totp, recovery_codes: { left }, methods }) => (
          <>
            <Authenticator
              addedAt={totp?.created_at ?? null}
              onAdded={onAdded}
              onRemove={() => setRemoval({ name: text('authenticator'), remove: api.removeAuthenticator })}
            />
            {methods.length > 0 && <RecoveryCodes left={left} onRenewed={onRenewed} />}
          </>
        )}
      </Loaded>
    </>
  )
}

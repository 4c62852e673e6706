import type { Finding } from '../api/review-answers.ts'
import { useApi } from '../api/use-api.ts'
import { Link } from '../forms/link.tsx'
import { Row, RowButton } from '../frame/rows.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import type { Making } from './changes.tsx'

type FindingProps = { readonly finding: Finding }

/** Where something can be done about it that takes more than a press. */
const toPage = ({ subject, owner }: Finding): string => {
  if (subject.kind === 'role') return '/admin/roles'
  if (subject.kind === 'invitation') return '/admin/invitations'
  const { kind, id } = owner ?? subject
  return `/admin/${kind === 'service' ? 'services' : 'users'}/${id}`
}

const useTitle = (): ((finding: Finding) => string) => {
  const { text } = useTexts()
  return ({ subject, owner }) => {
    const name = owner?.name ?? ''
    if (subject.kind === 'session') return text('reviewSessionOf', { name })
    if (subject.kind === 'invitation') return text('reviewInvitation', { name: name || 'gatewright' })
    return subject.kind === 'api-key' ? `${subject.name} · ${name}` : subject.name
  }
}

const useLines = (): ((finding: Finding) => readonly string[]) => {
  const { text, date } = useTexts()
  const lastUseOf = ({ last_used_at: used, unused, kind }: Finding): string => {
    if (used !== null) return text('lastUsed', { time: date(used) })
    return unused.length > 0 || kind === 'silent-service' ? text('reviewUseUnknown') : ''
  }
  const endOf = ({ kind, ends_at: end }: Finding): string => {
    if (end !== null) return text('reviewEnds', { date: date(end) })
    return kind === 'lasting-key' ? text('reviewNeverEnds') : ''
  }
  return finding => {
    const { granted, unused, since } = finding
    const times = [
      since === null ? '' : text('reviewSince', { date: date(since) }),
      lastUseOf(finding),
      endOf(finding),
    ]
    return [
      granted.length > 0 ? text('reviewHas', { granted: granted.join(', ') }) : '',
      unused.length > 0 ? text('reviewUnused', { unused: unused.join(', ') }) : '',
      times.filter(part => part !== '').join(' · '),
    ].filter(line => line !== '')
  }
}

/** Something that an auditor would ask about, with what can be done about it here. */
export const FindingRow = ({ finding, changes }: FindingProps & { readonly changes: Making }) => {
  const title = useTitle()(finding)
  const lines = useLines()(finding)
  return (
    <Row title={<Link to={toPage(finding)}>{title}</Link>} lines={lines}>
      <FindingAction finding={finding} changes={changes} />
    </Row>
  )
}

const FindingAction = (props: FindingProps & { readonly changes: Making }) => {
  const { finding } = props
  if (finding.subject.kind === 'api-key') return <RevokeKey {...props} />
  if (finding.kind === 'unused-role' || finding.kind === 'disabled-with-roles') return <TakeRole {...props} />
  if (finding.subject.kind === 'session') return <EndSession {...props} />
  return finding.subject.kind === 'invitation' ? <TakeBack {...props} /> : null
}

/** Whoever would be left without any role keeps the one of everybody. */
const TakeRole = ({ finding, changes }: FindingProps & { readonly changes: Making }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { subject, others, role, granted } = finding
  const change = subject.kind === 'service' ? admin.changeServiceRoles : admin.changeUserRoles
  const roles = role ?? granted.join(', ')
  const { name } = subject
  return (
    <RowButton
      ends
      label={text('reviewTakeRoleOf', { roles, name })}
      onClick={() =>
        changes.make({
          run: () => change(subject.id, others.length > 0 ? others : ['user']),
          done: text('reviewRoleTaken', { name, roles }),
          undo: {
            run: () => change(subject.id, [...others, ...(role === null ? granted : [role])]),
          },
        })
      }
    >
      {text('reviewTakeRole')}
    </RowButton>
  )
}

const RevokeKey = ({ finding, changes }: FindingProps & { readonly changes: Making }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { subject, owner } = finding
  const key = subject.name
  const label = text('reviewRevokeKeyOf', { key, name: owner?.name ?? '' })
  return (
    <RowButton
      ends
      label={label}
      onClick={() =>
        changes.ask({
          title: label,
          ends: [text('reviewKeyEnds')],
          submit: text('reviewRevokeKey'),
          toChange: () => ({
            run: () => admin.revokeKey(subject.id),
            done: text('reviewKeyRevoked', { key }),
          }),
        })
      }
    >
      {text('reviewRevokeKey')}
    </RowButton>
  )
}

const EndSession = ({ finding, changes }: FindingProps & { readonly changes: Making }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const username = finding.owner?.name ?? ''
  return (
    <RowButton
      ends
      label={`${text('endDevice')}: ${text('reviewSessionOf', { name: username })}`}
      onClick={() =>
        changes.make({
          run: () => admin.endSession(finding.subject.id),
          done: text('sessionEnded', { username }),
        })
      }
    >
      {text('endDevice')}
    </RowButton>
  )
}

const TakeBack = ({ finding, changes }: FindingProps & { readonly changes: Making }) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const email = text('reviewInvitation', { name: finding.owner?.name ?? 'gatewright' })
  return (
    <RowButton
      ends
      label={text('takeBackOf', { email })}
      onClick={() =>
        changes.make({
          run: () => admin.revokeInvitation(finding.subject.id),
          done: text('invitationRevoked', { email }),
        })
      }
    >
      {text('takeBack')}
    </RowButton>
  )
}

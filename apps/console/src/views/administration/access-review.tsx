import { Button, NativeSelect, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Changes, type Making, useChanges } from '../../administration/changes.tsx'
import { FindingRow } from '../../administration/finding-row.tsx'
import { findingTexts } from '../../administration/finding-texts.ts'
import { PagedRows } from '../../administration/paged-rows.tsx'
import { usePages } from '../../administration/use-pages.ts'
import type { FindingKind, Review, SignOff } from '../../api/review-answers.ts'
import { useApi, usePageSettings } from '../../api/use-api.ts'
import { Section } from '../../factors/section.tsx'
import { Field } from '../../forms/field.tsx'
import { Form } from '../../forms/form.tsx'
import { Loaded } from '../../forms/loaded.tsx'
import { Done, Notice, Warning } from '../../forms/notice.tsx'
import { useTexts } from '../../texts/use-texts.tsx'

const choices = ['30', '90', '180', '365'] as const

/** What was granted and is not used, and what else an auditor asks about; and who said that it was seen. */
export const AccessReview = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const changes = useChanges()
  const [days, setDays] = useState('90')
  const review = useQuery({
    queryKey: ['access-review', days],
    queryFn: async () => (await admin.findReview(`${days}d`)).review,
  })
  const signOffs = useQuery({ queryKey: ['sign-offs'], queryFn: admin.listSignOffs })
  return (
    <>
      <Text c="dimmed">{text('accessReviewIntro')}</Text>
      <Changes of={changes} />
      <NativeSelect
        label={text('reviewUnusedFor')}
        value={days}
        onChange={event => setDays(event.currentTarget.value)}
        data={choices.map(value => ({ value, label: text('reviewDays', { days: value }) }))}
      />
      <Loaded query={review}>
        {found => (
          <>
            <Loaded query={signOffs}>{([last]) => <SignedOff last={last} review={found} />}</Loaded>
            <About review={found} />
            {found.counts
              .filter(({ findings }) => findings > 0)
              .map(({ kind }) => (
                <Findings key={kind} kind={kind} days={days} changes={changes} />
              ))}
            <Export days={days} />
            <Sign digest={found.digest} days={days} changes={changes} />
          </>
        )}
      </Loaded>
    </>
  )
}

type SignedOffProps = { readonly last: SignOff | undefined; readonly review: Review }

const SignedOff = ({ last, review }: SignedOffProps) => {
  const { text, time } = useTexts()
  if (last === undefined) return <Notice>{text('reviewNeverSigned')}</Notice>
  const signed = text('reviewSignedOff', {
    time: time(last.at),
    name: last.by?.name ?? text('reviewSomebodyGone'),
  })
  const said = last.comment === null ? '' : `“${last.comment}”`
  return last.digest === review.digest ? (
    <Done>{[signed, said, text('reviewSignedSame')].join(' ')}</Done>
  ) : (
    <Notice>{[signed, said, text('reviewSignedOther')].join(' ')}</Notice>
  )
}

const About = ({ review }: { readonly review: Review }) => {
  const { text, date } = useTexts()
  return (
    <>
      <Text size="sm" c="dimmed">
        {text('reviewUsesSince', { date: date(review.uses_noted_since) })}
      </Text>
      {!review.complete && <Warning>{text('reviewIncomplete')}</Warning>}
      {review.total === 0 && <Text>{text('reviewNoFindings')}</Text>}
    </>
  )
}

type FindingsProps = { readonly kind: FindingKind; readonly days: string; readonly changes: Making }

const Findings = ({ kind, days, changes }: FindingsProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const pages = usePages(['access-review', days, kind], cursor => admin.findReview(`${days}d`, kind, cursor))
  const [name, hint] = findingTexts[kind]
  const title = text(name)
  return (
    <Section title={title}>
      <Text c="dimmed">{text(hint)}</Text>
      <PagedRows label={title} none={text('reviewNoFindings')} pages={pages}>
        {finding => <FindingRow key={finding.id} finding={finding} changes={changes} />}
      </PagedRows>
    </Section>
  )
}

const Export = ({ days }: { readonly days: string }) => {
  const { text } = useTexts()
  const { mount } = usePageSettings()
  return (
    <div>
      <Button
        component="a"
        variant="default"
        href={`${mount}/admin/access-review/export?unused_for=${days}d`}
        download
      >
        {text('auditExport')}
      </Button>
    </div>
  )
}

type SignProps = { readonly digest: string; readonly days: string; readonly changes: Making }

/** What is signed is what this page has shown: where that is no longer so, it is read again. */
const Sign = ({ digest, days, changes: { changing, make } }: SignProps) => {
  const { text } = useTexts()
  const { admin } = useApi()
  const client = useQueryClient()
  const sign = (comment: string) =>
    admin
      .signReview({ digest, unused_for: `${days}d`, comment })
      .finally(() => client.invalidateQueries({ queryKey: ['access-review'] }))
  return (
    <Section title={text('reviewSignTitle')}>
      <Text c="dimmed">{text('reviewSignIntro')}</Text>
      <Form
        action={{ isPending: changing.isPending, error: null }}
        submit={text('reviewSign')}
        onSubmit={read => make({ run: () => sign(read('comment')), done: text('reviewSigned') })}
      >
        <Field name="comment" required={false} maxLength={2_000} label={text('reviewComment')} />
      </Form>
    </Section>
  )
}

import { Alert, Text } from '@mantine/core'
import { useState } from 'react'
import { Changes, useChanges } from '../../administration/changes.tsx'
import { Reasons } from '../../administration/reasons.tsx'
import type { Explanation } from '../../api/administration-answers.ts'
import { useApi } from '../../api/use-api.ts'
import { Field, usernameProps } from '../../forms/field.tsx'
import { Form } from '../../forms/form.tsx'
import { readMemory } from '../../router.ts'
import { useUser } from '../../session.ts'
import { useTexts } from '../../texts/use-texts.tsx'

/** `DELETE /api/v1/posts/7` asks of a route, all else of a permission. */
const toQuestion = (user: string, asked: string) => ({
  ...(user !== '' && { user }),
  ...(asked.includes(' ') ? { route: asked } : { permission: asked }),
})

/** Whether somebody may do something, and why: decided by the gate itself. */
export const Why = () => {
  const { text } = useTexts()
  const { admin } = useApi()
  const { permissions } = useUser()
  const asking = useChanges()
  const [found, setFound] = useState<Explanation>()
  return (
    <>
      <Text c="dimmed">{text('whyIntro')}</Text>
      <Form
        action={{ isPending: asking.changing.isPending, error: null }}
        submit={text('whyAsk')}
        onSubmit={read =>
          asking.make({
            run: () => admin.explain(toQuestion(read('username').trim(), read('asked').trim())),
            onDone: answer => setFound(answer as Explanation),
          })
        }
      >
        <Field
          {...usernameProps}
          autoComplete="off"
          required={false}
          defaultValue={readMemory().about}
          label={text('username')}
          description={text('whyNobody')}
        />
        <Field
          name="asked"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={2_000}
          list="why-permissions"
          label={text('whyWhat')}
          description={text('whyWhatHint')}
        />
        <datalist id="why-permissions">
          {permissions.map(name => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </Form>
      <Changes of={asking} />
      {found && asking.changing.isSuccess && <Answer explanation={found} />}
    </>
  )
}

const Answer = ({ explanation }: { readonly explanation: Explanation }) => {
  const { text } = useTexts()
  const { allowed, code, asked, rule, parts, further } = explanation
  return (
    <>
      <Alert color={allowed ? 'green' : 'red'} role="status" title={text(allowed ? 'whyYes' : 'whyNo')}>
        <span lang="en">{asked}</span>
        {code !== null && <span lang="en"> ({code})</span>}
      </Alert>
      {rule !== null && (
        <p>
          {text('whyRule')} <span lang="en">{rule}</span>
        </p>
      )}
      <Reasons parts={parts} />
      {further && (
        <p>
          {text(further.allowed ? 'whyFurtherHeld' : 'whyFurther')} <span lang="en">{further.rule}</span>
        </p>
      )}
    </>
  )
}

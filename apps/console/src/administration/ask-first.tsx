import { Button, Group, Stack, TextInput } from '@mantine/core'
import { Dialog } from '../frame/dialog.tsx'
import { useTexts } from '../texts/use-texts.tsx'
import styles from './ask-first.module.css'
import type { Change, Question } from './change.ts'

type AskFirstProps = {
  readonly question: Question | undefined
  readonly onAnswer: (change: Change | undefined) => void
}

/** Says what ends, and waits for a yes. */
export const AskFirst = ({ question, onAnswer }: AskFirstProps) => (
  <Dialog title={question?.title ?? ''} isOpen={question !== undefined} onClose={() => onAnswer(undefined)}>
    {question && <AskForm question={question} onAnswer={onAnswer} />}
  </Dialog>
)

type AskFormProps = AskFirstProps & { readonly question: Question }

const AskForm = ({ question: { ends, submit, asksReason, toChange }, onAnswer }: AskFormProps) => {
  const { text } = useTexts()
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        onAnswer(toChange(String(new FormData(event.currentTarget).get('reason') ?? '').trim()))
      }}
    >
      <Stack>
        <ul className={styles.ends}>
          {ends.map(sentence => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
        {asksReason && (
          <TextInput
            name="reason"
            required
            withAsterisk={false}
            maxLength={200}
            label={text('reason')}
            description={text('reasonHint')}
            data-autofocus
          />
        )}
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => onAnswer(undefined)}
            data-autofocus={!asksReason || undefined}
          >
            {text('cancel')}
          </Button>
          <Button type="submit" color="red">
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

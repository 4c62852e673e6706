import { Button, Group } from '@mantine/core'
import { useTexts } from '../texts/use-texts.tsx'
import { type RangeName, rangeNames, ranges } from './ranges.ts'

type RangeChoiceProps = { readonly range: RangeName; readonly onChoose: (range: RangeName) => void }

/** How far back is looked. */
export const RangeChoice = ({ range, onChoose }: RangeChoiceProps) => {
  const { text } = useTexts()
  return (
    <Group gap="xs" role="group" aria-label={text('rangeTitle')}>
      {rangeNames.map(name => (
        <Button
          key={name}
          size="xs"
          variant={name === range ? 'filled' : 'default'}
          aria-pressed={name === range}
          onClick={() => onChoose(name)}
        >
          {text(ranges[name].title)}
        </Button>
      ))}
    </Group>
  )
}

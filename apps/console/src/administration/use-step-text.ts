import { useTexts } from '../texts/use-texts.tsx'
import { type RangeName, ranges } from './ranges.ts'

/** How a step of time is called: all of it, and what stands below a picture where there is little room. */
export const useStepText = (range: RangeName) => {
  const { time, dayOf, hourOf, weekdayOf } = useTexts()
  const isMidnight = (start: string): boolean => new Date(start).getHours() === 0
  const short: Readonly<Record<RangeName, (start: string) => string | undefined>> = {
    day: hourOf,
    week: start => (isMidnight(start) ? weekdayOf(start) : undefined),
    quarter: dayOf,
  }
  return { whole: ranges[range].step === 'day' ? dayOf : time, short: short[range] }
}

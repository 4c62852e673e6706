import { useEffect, useState } from 'react'

const pause = 30_000
const longestUnattended = 10 * 60_000

const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const

/** Whether somebody is there: a page that asks by itself must not keep a session alive that nobody uses. */
const useAttended = (): boolean => {
  const [isAttended, setAttended] = useState(true)
  useEffect(() => {
    const leave = () => setAttended(false)
    let timer = setTimeout(leave, longestUnattended)
    const come = () => {
      clearTimeout(timer)
      timer = setTimeout(leave, longestUnattended)
      setAttended(true)
    }
    for (const sign of signs) document.addEventListener(sign, come, { passive: true })
    return () => {
      clearTimeout(timer)
      for (const sign of signs) document.removeEventListener(sign, come)
    }
  }, [])
  return isAttended
}

/** A page that looks again by itself, until somebody stops it or nobody is there. */
export const useLive = () => {
  const [isWanted, setWanted] = useState(true)
  const isLive = useAttended() && isWanted
  return {
    isWanted,
    toggle: () => setWanted(wanted => !wanted),
    /** For every query of the page. */
    refetchInterval: isLive ? pause : (false as const),
  }
}

/** To be awaited where others are to have their turn; undefined where they are not. */
export type Pause = () => Promise<void> | undefined

/** Steps between two looks at the clock, which costs about as much as one of them. */
const STEPS = 64

/** Takes `step` for each of a list that may be long, and waits where it is a promise. */
export async function inTurns<T>(
  list: readonly T[],
  pause: Pause,
  step: (value: T, at: number) => unknown,
): Promise<void> {
  for (let at = 0; at < list.length; at++) {
    const taken = step(list[at] as T, at)
    if (taken instanceof Promise) await taken
    if (at % STEPS !== STEPS - 1) continue
    const others = pause()
    if (others) await others
  }
}

/** Returns a promise to await when other work should run; undefined otherwise. */
export type Pause = () => Promise<void> | undefined

/** Steps between two readings of the clock, which cost about as much as one step. */
const STEPS = 64

/** Calls `step` for each element of a list that may be long, with pauses. Awaits the step if it returns a promise. */
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

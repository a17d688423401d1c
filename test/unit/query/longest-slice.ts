const cpuMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** The most CPU that was used between two turns. Other processes of the machine have no part in it. */
export async function longestSlice(read: () => Promise<unknown>): Promise<number> {
  let [last, longest, isOver] = [cpuMs(), 0, false]
  const turn = () => {
    const now = cpuMs()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  turn()
  await read()
  isOver = true
  turn()
  return longest
}

import { it } from 'vitest'
import { runChild } from './child.js'

it('x', async () => {
  const r = await runChild('lane-runner', [
    JSON.stringify({
      folder: '/tmp/lr/data',
      seed: 1,
      lanes: 2,
      options: { ids: 100, flushes: 30 },
      phases: [
        { steps: 100, next: 'reopen' },
        { steps: 100, next: 'go on' },
      ],
      end: 'close',
    }),
  ])
  console.log(r)
})

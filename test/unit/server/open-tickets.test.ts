import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import { RouteMetrics } from '../../../src/server/metrics.js'
import { Places } from '../../../src/server/places.js'
import { DEFAULT_SETTINGS } from '../../../src/server/server-settings.js'
import { OpenTickets, Ticket } from '../../../src/server/ticket.js'
import fc from '../../oracle/properties.js'

const METRICS = new RouteMetrics('POST', '/')
const ADMISSION = new Places(DEFAULT_SETTINGS)

it('stops the open ones, whatever the order in which others ended', () => {
  const steps = fc.array(fc.nat({ max: 9 }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (choices) => {
      const tickets = new OpenTickets()
      const open: Ticket[] = []
      const ended: Ticket[] = []
      for (const choice of choices) {
        // One in three ends, anywhere among the open ones.
        if (choice % 3 === 0 && open.length > 0) {
          const [ticket] = open.splice(choice % open.length, 1) as [Ticket]
          tickets.delete(ticket)
          ended.push(ticket)
        } else {
          const ticket = new Ticket({} as ServerResponse, METRICS, ADMISSION)
          tickets.add(ticket)
          open.push(ticket)
        }
      }
      tickets.stopAll()
      expect(open.every(({ stop }) => stop.isStopped)).toBe(true)
      expect(ended.some(({ stop }) => stop.isStopped)).toBe(false)
    }),
  )
})

// The raw endpoints of a benchmark on the npm package `ws`, as an example of a peer:
//
//   npm --prefix bench/peers ci
//   bench/run echo-20B fanout-1000 --peer 'node bench/peers/ws.mjs {port}'
//
// Any server can be one that offers
//
//   /echo                                        answers each message with itself
//   /raw/ROOM?mode=publish|subscribe|both        a message of a publisher goes, as it is and in order,
//                                                to each subscriber of the room
//
// permessage-deflate is agreed to when offered, without context takeover, and never for less than 256
// bytes, as ringroom does.
import { WebSocketServer } from 'ws'

const port = Number(process.argv[2])
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error('usage: node ws.mjs PORT')
  process.exit(2)
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port,
  backlog: 4096,
  maxPayload: 16 * 1024 * 1024,
  perMessageDeflate: {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 256,
    zlibDeflateOptions: { level: 1 },
  },
})
const rooms = new Map()

function roomOf(name) {
  if (!rooms.has(name)) rooms.set(name, new Set())
  return rooms.get(name)
}

server.on('connection', (socket, request) => {
  const url = new URL(request.url, 'http://localhost')
  socket.on('error', () => {}) // ws closes it; one client's fault is nobody else's
  if (url.pathname === '/echo') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    return
  }
  if (!url.pathname.startsWith('/raw/')) return socket.close(1008, 'no such endpoint')
  const name = url.pathname.slice('/raw/'.length)
  const mode = url.searchParams.get('mode')
  const room = roomOf(name)
  if (mode !== 'publish') {
    room.add(socket)
    socket.on('close', () => {
      room.delete(socket)
      if (room.size === 0 && rooms.get(name) === room) rooms.delete(name)
    })
  }
  if (mode !== 'subscribe') {
    socket.on('message', (data, isBinary) => {
      // By name: the room is another one when the last listener has gone and one has come.
      for (const listener of rooms.get(name) ?? []) listener.send(data, { binary: isBinary })
    })
  }
})

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes connections of callers that take too long over a request, whole or in drops, so that a
/// few of them cannot keep all others out. Who has not shown the token has little time for everything.
final class HTTPTimeLimit: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private static let withoutToken = TimeAmount.seconds(5)
  private static let forBody = TimeAmount.seconds(30)
  private static let betweenRequests = TimeAmount.seconds(60)

  private let guards: HTTPGuards
  private let connections: HTTPConnections
  private var isTrusted = false
  private var alarm: Scheduled<Void>?

  init(_ guards: HTTPGuards, _ connections: HTTPConnections) {
    self.guards = guards
    self.connections = connections
  }

  func handlerAdded(context: ChannelHandlerContext) {
    set(Self.withoutToken, context)
    connections.add(context.channel)
  }

  func handlerRemoved(context: ChannelHandlerContext) { end(context) }

  func channelInactive(context: ChannelHandlerContext) {
    end(context)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      isTrusted = isTrusted || guards.admits(head)
      connections.note(context.channel, isTrusted: isTrusted, isBusy: true)
      if isTrusted { set(Self.forBody, context) }
    case .body: break
    case .end: if isTrusted { alarm?.cancel() }
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      connections.note(context.channel, isTrusted: isTrusted, isBusy: false)
      if isTrusted { set(Self.betweenRequests, context) }
    }
    context.write(data, promise: promise)
  }

  private func end(_ context: ChannelHandlerContext) {
    alarm?.cancel()
    connections.remove(context.channel)
  }

  private func set(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    alarm?.cancel()
    let channel = context.channel
    alarm = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}

import NIOCore
import NIOHTTPTypes

/// Closes connections of callers that take too long over a request, whole or in drops, so that a
/// few of them cannot keep all others out.
final class HTTPTimeLimit: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private static let forHead = TimeAmount.seconds(15)
  private static let forBody = TimeAmount.seconds(30)
  private static let betweenRequests = TimeAmount.seconds(60)

  private var alarm: Scheduled<Void>?

  func handlerAdded(context: ChannelHandlerContext) {
    set(Self.forHead, context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    alarm?.cancel()
  }

  func channelInactive(context: ChannelHandlerContext) {
    alarm?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: set(Self.forBody, context)
    case .body: break
    case .end: alarm?.cancel()
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) { set(Self.betweenRequests, context) }
    context.write(data, promise: promise)
  }

  private func set(_ time: TimeAmount, _ context: ChannelHandlerContext) {
    alarm?.cancel()
    let channel = context.channel
    alarm = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
  }
}

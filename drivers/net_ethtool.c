// SPDX-License-Identifier: GPL-2.0-only
/* What ethtool shows of an interface. */
#include <linux/ethtool.h>
#include "net_user.h"

#define COUNTER(name)	{ #name, offsetof(struct net_counters, name) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(rx_packets), COUNTER(rx_bytes), COUNTER(rx_calls), COUNTER(rx_length_errors),
	COUNTER(rx_frame_errors), COUNTER(rx_dropped), COUNTER(rx_events), COUNTER(tx_packets),
	COUNTER(tx_bytes), COUNTER(tx_calls), COUNTER(tx_dropped), COUNTER(tx_errors),
	COUNTER(tx_full),
};

static_assert(ARRAY_SIZE(counters) * sizeof(u64) == sizeof(struct net_counters));

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	const struct host_net *host = net_port(dev)->host;

	strscpy(info->driver, "net_user", sizeof(info->driver));
	strscpy(info->bus_info, host->socket ? "packet socket" : "TAP", sizeof(info->bus_info));
}

static int get_sset_count(struct net_device *dev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return net_port(dev)->host->queues * ARRAY_SIZE(counters);
}

static void get_strings(struct net_device *dev, u32 set, u8 *data)
{
	int q, i;

	for (q = 0; q < net_port(dev)->host->queues; q++)
		for (i = 0; i < ARRAY_SIZE(counters); i++)
			ethtool_sprintf(&data, "queue%d_%s", q, counters[i].name);
}

static void get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *data)
{
	struct net_port *port = net_port(dev);
	int q, i;

	for (q = 0; q < port->host->queues; q++)
		for (i = 0; i < ARRAY_SIZE(counters); i++)
			*data++ = *(u64 *)((void *)&port->queue[q].count + counters[i].offset);
}

static void get_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	ch->max_combined = net_port(dev)->host->queues;
	ch->combined_count = ch->max_combined;
}

const struct ethtool_ops net_ethtool_ops = {
	.get_drvinfo		= get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= get_sset_count,
	.get_strings		= get_strings,
	.get_ethtool_stats	= get_stats,
	.get_channels		= get_channels,
};

# shellcheck shell=sh
# The machine of life.test.sh and policy.test.sh: a router, and daemons that are installed and configured before systemd runs. Needs lib.sh.
# shellcheck disable=SC2154  # the variables of lib.sh
:

# --- the network: v0 of the machine leads to a router, which assigns addresses and resolves names

# in_router COMMAND...: in the router's network namespace.
in_router() {
  nsenter -t "$router" --net "$@"
}

start_router() {
  unshare --net sleep 86400 &
  router=$!
  ip link add v0 type veth peer name r0
  within 5 ip link set r0 netns "$router"
  in_router ip link set lo up
  in_router ip address add 10.77.0.1/24 dev r0
  in_router ip address add 2001:db8:77::1/64 dev r0
  in_router ip link set r0 up
  echo 2 >/proc/sys/net/ipv6/conf/v0/use_tempaddr
  echo 0 >/proc/sys/net/ipv6/conf/v0/dad_transmits
  ip link set v0 up
  mac=$(ip -o link show v0 | sed 's/.*link.ether \([^ ]*\).*/\1/')
  in_router dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --log-facility=- --user=root --interface=r0 --bind-interfaces \
    --dhcp-leasefile="$work/leases" --dhcp-range=10.77.0.2,10.77.0.9,2m --dhcp-host="$mac,10.77.0.2" \
    --enable-ra --dhcp-range=2001:db8:77::,ra-only --address=/example.test/192.0.2.7 --local-ttl=0 >"$work/router.log" 2>&1 &
}

# --- the daemons

# install_daemons: the packages that .ci/run has downloaded, as Debian configures them without questions.
install_daemons() {
  rm -rf /usr/local/lsm /usr/local/sbin/lsm /var/lib/lsm /etc/cron.d/lsm* /etc/systemd/system/*.wants /etc/rc?.d/* # what the host has and runs
  rm -f /var/lib/man-db/auto-update # it takes longer than all else
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  # shellcheck disable=SC2046  # words
  run apt-get install -y -qq --no-install-recommends -o Dir::Cache::archives="$root/target/debs" $(cat "$scripts/life/packages")
  exits "the daemons are installed" 0
  [ "$status" -eq 0 ] || { finish; exit 1; }
  rm /usr/sbin/policy-rc.d
  systemctl -q enable cron rsyslog ssh nginx apache2 haproxy postfix dovecot named unbound dnsmasq smbd nmbd rpcbind rpcbind.socket mariadb \
    postgresql redis-server avahi-daemon chrony snmpd 2>/dev/null
  cp "$root/target/debs"/*.deb /var/cache/apt/archives # for upgrades
  rm -f /etc/apt/apt.conf.d/docker-*
}

# What a machine in namespaces has no use for, or would change on the host.
mask_units() {
  (
    cd /etc/systemd/system || exit
    rm -rf timers.target.wants
    for unit in getty.target systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service \
      systemd-timesyncd.service systemd-remount-fs.service systemd-modules-load.service systemd-sysctl.service systemd-pstore.service \
      systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
      networking.service run-rpc_pipefs.mount; do
      ln -sf /dev/null "$unit"
    done
  )
}

# unit NAME LINE...: a service with these lines, enabled.
unit() {
  unit=/etc/systemd/system/$1
  shift
  mkdir -p /etc/systemd/system/multi-user.target.wants
  printf '%s\n' '[Service]' "$@" >"$unit"
  ln -sf "$unit" /etc/systemd/system/multi-user.target.wants/
}

configure_web() {
  sed -i 's/^Listen 80$/Listen 8080/' /etc/apache2/ports.conf
  sed -i 's/:80>/:8080>/' /etc/apache2/sites-available/000-default.conf
  a2enmod -q cgid >/dev/null
  a2enconf -q serve-cgi-bin >/dev/null
  mkdir -p /usr/lib/cgi-bin
  printf '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nhello\\n"\n' >/usr/lib/cgi-bin/hello
  chmod 755 /usr/lib/cgi-bin/hello
  printf '%s\n' 'frontend web' ' bind *:8088' ' default_backend nginx' 'backend nginx' ' server nginx 127.0.0.1:80' >>/etc/haproxy/haproxy.cfg
}

configure_mail() {
  postsuper -d ALL 2>/dev/null # what waits on the host
  rm -f /var/mail/*
  postconf -e 'myhostname = web1' 'mydestination = web1, localhost' 'inet_interfaces = all' 'mynetworks = 127.0.0.0/8 10.77.0.0/24' \
    'mailbox_transport_maps = inline:{bob=lmtp:unix:private/dovecot-lmtp}' 'smtpd_client_connection_rate_limit = 0'
  echo web1 >/etc/mailname
  printf '%s\n' 'postmaster: root' >/etc/aliases
  newaliases
  sed -i 's/^ssl.*/ssl = no/' /etc/dovecot/conf.d/10-ssl.conf
  cat >/etc/dovecot/conf.d/99-life.conf <<'END'
disable_plaintext_auth = no
auth_username_format = %n
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_access_groups = mail
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    user = postfix
    group = postfix
    mode = 0600
  }
}
END
}

# Three resolvers: named on the addresses of the interfaces, unbound and dnsmasq on further ones of the loopback.
configure_resolvers() {
  cat >/etc/bind/named.conf.options <<'END'
options {
  directory "/var/cache/bind";
  forwarders { 10.77.0.1; };
  forward only;
  dnssec-validation no;
  listen-on-v6 { any; };
  allow-query { any; };
  max-cache-ttl 0;
};
END
  cat >/etc/unbound/unbound.conf.d/life.conf <<'END'
server:
  interface: 127.0.0.2
  module-config: "iterator"
  cache-max-ttl: 0
forward-zone:
  name: "."
  forward-addr: 10.77.0.1
END
  rm -f /etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf
  printf '%s\n' bind-interfaces listen-address=127.0.0.3 no-resolv server=10.77.0.1 cache-size=0 >/etc/dnsmasq.d/life.conf
  rm -f /etc/resolv.conf
  echo "nameserver 127.0.0.1" >/etc/resolv.conf
}

configure_others() {
  sed -i 's/^DAEMON_OPTS=.*/DAEMON_OPTS="-F 1 -x"/' /etc/default/chrony # -x: the clock is that of the host
  printf '%s\n' '[share]' 'path = /srv/share' 'read only = no' >>/etc/samba/smb.conf
  mkdir -p /srv/share /srv/jmx /srv/app
  check "javac" javac -d /srv/jmx "$scripts/life/Jmx.java"
  cp "$scripts/life/service.pl" "$scripts/sockets.pl" "$scripts/life/hopper.pl" "$scripts/life/stranger.pl" /srv/app
  java="$(readlink -f "$(command -v java)") -Xmx32m -Dcom.sun.management.jmxremote.port=9010"
  unit jmx.service User=app "ExecStart=$java -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false -cp /srv/jmx Jmx"
  unit app-1.service User=app "ExecStart=/usr/bin/perl /srv/app/service.pl 8091"
  unit app-2.service User=app "ExecStart=/usr/bin/perl /srv/app/service.pl 8092"
  unit dhclient.service Type=forking PIDFile=/run/dhclient.pid 'ExecStart=/sbin/dhclient v0' \
    '[Unit]' Wants=network.target Before=network-online.target '[Install]' WantedBy=network-online.target
  mkdir -p /etc/systemd/system/network-online.target.wants
  mv /etc/systemd/system/multi-user.target.wants/dhclient.service /etc/systemd/system/network-online.target.wants/
  printf '%s\n' '[Unit]' 'Requires=proxy.socket' '[Service]' 'ExecStart=/lib/systemd/systemd-socket-proxyd --exit-idle-time=1s 127.0.0.1:80' >/etc/systemd/system/proxy.service
  printf '%s\n' '[Socket]' 'ListenStream=8100' >/etc/systemd/system/proxy.socket
  mkdir -p /etc/systemd/system/sockets.target.wants
  ln -s /etc/systemd/system/proxy.socket /etc/systemd/system/sockets.target.wants/
  ln -sf /lib/systemd/system/rpc-statd.service /etc/systemd/system/multi-user.target.wants/
  echo '* * * * * alice dig +short @127.0.0.1 cron.example.test >/dev/null' >/etc/cron.d/life
}

add_users() {
  useradd --system --home /srv/app --shell /usr/sbin/nologin app
  for user in alice bob mallory; do
    useradd --create-home --shell /bin/bash "$user"
    echo "$user:$user" | chpasswd
    install -d -o "$user" -m 700 "/home/$user/.ssh"
    install -o "$user" -m 600 "$work/key.pub" "/home/$user/.ssh/authorized_keys"
  done
  printf 'bob\nbob\n' | smbpasswd -s -a bob >/dev/null
}

# configure_machine: all of this, on a host web1.
configure_machine() {
  hostname web1
  echo web1 >/etc/hostname
  printf '%s\n' "127.0.0.1 localhost" "127.0.1.1 web1" >/etc/hosts
  install_daemons
  ssh-keygen -q -t ed25519 -N '' -f "$work/key"
  add_users
  mask_units
  configure_web
  configure_mail
  configure_resolvers
  configure_others
}
